-- balances_by_batch: plan and actual amounts, one row per batch; the last row is the whole fund.
select
    batch,
    figures(
        sum(planned), sum(allotted), sum(line), sum(committed), sum(payable), sum(in_approval), sum(in_transit), sum(paid)
    ) as figures,
    case when grouping(batch) = 1 then of_fund(sum(allotted), sum(pool), sum(recovered), sum(surrendered)) end as of_fund
from standing_at(%(fund)s, %(position)s, %(booked_on)s)
group by grouping sets ((batch), ())
having grouping(batch) = 1 or batch > 0
order by grouping(batch), batch
