-- balances_by_appropriation: a page of a fund's appropriations, with where their money is. The page begins after the
-- version `after`.
select
    a.version as appropriation,
    o.source,
    o.level,
    a.documents,
    a.version::text as cursor,
    origin_figures(a.amount, pool, recovered, surrendered, line, committed, payable, in_approval, in_transit, paid) as figures
from appropriation as a
join origin_balance_at(%(fund)s, %(position)s, %(booked_on)s) as held using (version)
join appropriation_source_at(%(fund)s, %(position)s, %(booked_on)s) as o using (version)
where a.fund = %(fund)s and (%(after)s::bigint is null or a.version > %(after)s::bigint)
order by a.version
limit %(limit)s
