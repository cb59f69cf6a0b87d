-- balances_total: the whole fund: its plan and allotments, what the fund itself holds, and what it received.
with standing as (
    select
        figures(
            coalesce(sum(planned), 0), coalesce(sum(allotted), 0), coalesce(sum(line), 0), coalesce(sum(committed), 0),
            coalesce(sum(payable), 0), coalesce(sum(in_approval), 0), coalesce(sum(in_transit), 0), coalesce(sum(paid), 0)
        ) as figures,
        coalesce(sum(allotted), 0) as allotted
    from standing_at(%(fund)s, %(position)s, %(booked_on)s)
), own as (
    select
        coalesce(sum(pool), 0) as pool,
        coalesce(sum(recovered), 0) as recovered,
        coalesce(sum(surrendered), 0) as surrendered
    from balance_at(%(position)s, %(booked_on)s)
    where fund = %(fund)s
)
select
    s.figures,
    yuan(o.pool) as pool,
    yuan(o.recovered) as recovered,
    yuan(o.surrendered) as surrendered,
    yuan(s.allotted + o.pool + o.recovered + o.surrendered) as appropriated
from standing as s
cross join own as o
