-- balances_by_source: one row per source of the plan in force, in the plan's order, then per source that only
-- appropriations name: what it is to give, what it gave, and where that money is. The source is null if the plan lists
-- none.
with listed as (
    select * from plan_source_at(%(fund)s, %(position)s, %(booked_on)s)
), held as (
    select
        o.source,
        sum(pool) as pool, sum(surrendered) as surrendered, sum(recovered) as recovered, sum(line) as line,
        sum(committed) as committed, sum(payable) as payable, sum(in_approval) as in_approval,
        sum(in_transit) as in_transit, sum(paid) as paid
    from origin_balance_at(%(fund)s, %(position)s, %(booked_on)s)
    join appropriation_source_at(%(fund)s, %(position)s, %(booked_on)s) as o using (version)
    group by o.source
), standing as (
    select
        coalesce(l.source, h.source) as source, l.name, l.level, l.rank, l.amount as planned,
        coalesce(pool, 0) as pool, coalesce(surrendered, 0) as surrendered, coalesce(recovered, 0) as recovered,
        coalesce(line, 0) as line, coalesce(committed, 0) as committed, coalesce(payable, 0) as payable,
        coalesce(in_approval, 0) as in_approval, coalesce(in_transit, 0) as in_transit, coalesce(paid, 0) as paid
    from listed as l
    full join held as h using (source)
)
select
    source,
    name,
    level,
    origin_figures(planned, pool, recovered, surrendered, line, committed, payable, in_approval, in_transit, paid) as figures
from standing
order by rank nulls last, source nulls first
