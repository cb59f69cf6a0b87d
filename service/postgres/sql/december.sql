-- december: what a fund paid in each year and in its December, by booking date and net of later returns and recoveries,
-- with the positions of December's payments.
with paid as (
    select p.amount - p.returned - p.recovered as amount, c.position, c.booked_on
    from payment as p
    cross join lateral (
        select position, booked_on
        from movement
        where position = any(p.events) and type = 'PaymentConfirmed'
        order by position desc
        limit 1
    ) as c
    where p.fund = %(fund)s and p.confirmed_on is not null
)
select
    extract(year from booked_on)::integer as year,
    sum(amount) as total,
    coalesce(sum(amount) filter (where extract(month from booked_on) = 12), 0) as december,
    coalesce(array_agg(position order by position) filter (where extract(month from booked_on) = 12), '{}') as positions
from paid
group by 1
having sum(amount) > 0
order by 1
