-- never_paid: what came to a batch of a project so many days ago or more, and of which nothing was ever paid.
select b.project, b.batch, b.amount, m.since, m.positions
from (
    select project, batch, sum(line + committed + payable + in_approval + in_transit) as amount
    from balance
    where fund = %(fund)s and project <> ''
    group by project, batch
) as b
cross join lateral (
    select min(booked_on) as since, array_agg(position order by position) as positions
    from movement as m
    where m.fund = %(fund)s and m.project = b.project and m.batch = b.batch and m.source = 'pool' and m.target = 'line'
) as m
where
    b.amount > 0
    and m.since <= %(today)s::date - %(days)s::integer
    and not exists (
        select from movement as paid
        where paid.fund = %(fund)s and paid.project = b.project and paid.batch = b.batch and paid.target = 'paid'
    )
order by b.project, b.batch
