-- balances_by_appropriation: a page of a fund's appropriations, with where their money is. The page begins after the
-- version `after`.
with listed as (
    select * from plan_source_at(%(fund)s, %(position)s, %(booked_on)s)
)
select
    a.version as appropriation,
    coalesce(a.source, (select source from listed where rank = 1)) as source,
    (select level from listed where listed.source = coalesce(a.source, (select source from listed where rank = 1))) as level,
    a.documents,
    a.version::text as cursor,
    origin_figures(a.amount, pool, recovered, surrendered, line, committed, payable, in_approval, in_transit, paid) as figures
from appropriation as a
join origin_balance_at(%(fund)s, %(position)s, %(booked_on)s) as held using (version)
where a.fund = %(fund)s and (%(after)s::bigint is null or a.version > %(after)s::bigint)
order by a.version
limit %(limit)s
