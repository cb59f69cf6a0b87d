-- never_paid: what was allotted to a batch of a project and of which nothing was ever paid, and since when.
select b.project, b.batch, sum(b.line + b.committed + b.payable + b.in_approval + b.in_transit) as amount,
    min(m.booked_on) as since, array_agg(distinct m.position) as positions
from balance as b
join movement as m on m.fund = b.fund and m.project = b.project and m.batch = b.batch and m.type = 'FundsAllotted'
where
    b.fund = %(fund)s
    and b.project <> ''
    and b.award = ''
    and not exists (
        select from movement as paid
        where paid.fund = b.fund and paid.project = b.project and paid.batch = b.batch and paid.target = 'paid'
    )
group by b.project, b.batch
order by b.project, b.batch
