-- conservation: the funds whose accounts do not add up to their appropriations: `appropriated` is from the movements,
-- `held` from the balances.
with issued as (
    select fund, sum(case when source = 'treasury' then amount else -amount end) as amount
    from movement
    where 'treasury' in (source, target) and 'interest' not in (source, target)
    group by fund
), held as (
    select
        fund,
        sum(pool + surrendered + recovered + line + committed + payable + in_approval + in_transit + paid) as amount
    from balance
    group by fund
)
select fund, yuan(coalesce(i.amount, 0)) as appropriated, yuan(coalesce(h.amount, 0)) as held
from issued as i
full join held as h using (fund)
where coalesce(i.amount, 0) <> coalesce(h.amount, 0)
order by fund
