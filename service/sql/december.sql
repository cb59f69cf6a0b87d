-- december: what a fund paid in each year and in its December, net of what came back, and by which events in December.
select
    extract(year from p.confirmed_on)::integer as year,
    sum(p.amount - p.returned) as total,
    coalesce(sum(p.amount - p.returned) filter (where extract(month from p.confirmed_on) = 12), 0) as december,
    coalesce(array_agg(c.position order by c.position) filter (where extract(month from p.confirmed_on) = 12), '{}')
        as positions
from payment as p
cross join lateral (
    select max(e.position) as position
    from event as e
    where e.position = any(p.events) and e.type = 'PaymentConfirmed'
) as c
where p.fund = %(fund)s and p.confirmed_on is not null
group by 1
having sum(p.amount - p.returned) > 0
order by 1
