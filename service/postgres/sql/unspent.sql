-- unspent: the appropriations of a fund that are not spent and whose time ends by the end of `year`: the first `limit`
-- of them by their last day, and how many there are.
with gone as (
    select version, sum(reversed + paid + surrendered)::bigint as amount
    from spending
    where fund = %(fund)s
    group by version
), due as materialized (
    select
        a.version,
        spend_by(a.budget_year, a.carried_out_of, f.settings) as spend_by,
        a.amount - coalesce(g.amount, 0) as unspent
    from appropriation as a
    join fund as f using (fund)
    left join gone as g using (version)
    where
        a.fund = %(fund)s
        and a.amount <> coalesce(g.amount, 0)
        and spend_by(a.budget_year, a.carried_out_of, f.settings) <= make_date(%(year)s, 12, 31)
)
select a.position, a.received_on, d.spend_by, d.unspent, (select count(*) from due) as total
from (select * from due order by spend_by, version limit %(limit)s) as d
join appropriation as a on a.fund = %(fund)s and a.version = d.version
order by d.spend_by, d.version
