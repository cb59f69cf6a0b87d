-- december: what a fund paid in each year, and in its December.
select
    extract(year from confirmed_on)::integer as year,
    sum(amount) as total,
    coalesce(sum(amount) filter (where extract(month from confirmed_on) = 12), 0) as december
from payment
where fund = %(fund)s and confirmed_on is not null
group by 1
order by 1
