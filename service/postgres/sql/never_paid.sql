-- never_paid: money that was allotted at least `days` days ago and of which nothing was paid: in a project's line, not
-- awarded; or in an award's batch. `since` is the date of the first allotment of which some fen are still allotted. Of
-- each of the two kinds, the first `limit` rows with as many positions each, and how many rows there are.
with never as (
    select b.project, b.batch, nullif(b.award, '') as award, b.amount, m.since, m.positions
    from (
        select project, batch, award, line + committed + payable + in_approval + in_transit as amount
        from balance
        where fund = %(fund)s and project <> ''
    ) as b
    join lot as l
        on l.depth = case b.award when '' then 'allotted' else 'awarded' end and l.fund = %(fund)s
        and l.project = b.project and l.batch = b.batch and l.award = b.award
    cross join lateral (
        select min(m.booked_on) as since,
            (array_agg(m.position order by m.position))[:%(limit)s] as positions
        from movement as m
        where
            m.fund = %(fund)s and m.project = b.project and m.batch = b.batch and m.award is null
            and m.source = 'pool' and m.target = 'line' and m.fen && l.fen
            and not exists (
                select from movement as back
                where
                    back.project = m.project and back.batch = m.batch and back.award is null and back.position > m.position
                    and back.source = 'line' and back.target = 'pool' and back.fen @> m.fen * l.fen
            )
    ) as m
    where
        b.amount > 0
        and m.since <= %(today)s::date - %(days)s::integer
        and not exists (
            select from payment as p
            where p.project = b.project and p.batch = b.batch and p.award = b.award and p.confirmed_on is not null
        )
), counted as (
    select
        *,
        count(*) over (partition by award is null) as total,
        row_number() over (partition by award is null order by project, batch, award) as nth
    from never
)
select project, batch, award, amount, since, positions, total
from counted
where nth <= %(limit)s
order by project, batch, award nulls first
