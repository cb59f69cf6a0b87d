-- balances_by_batch: plan beside actual, one row per batch.
select
    batch,
    figures(
        sum(planned), sum(allotted), sum(line), sum(committed), sum(payable), sum(in_approval), sum(in_transit), sum(paid)
    ) as figures
from standing_at(%(fund)s, %(position)s, %(booked_on)s)
group by batch
order by batch
