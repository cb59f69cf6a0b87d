-- december: what a fund paid in each year and in its December, by booking date and net of later returns and recoveries,
-- with the positions of December's payments: the first `limit` of them.
with paid as (
    select
        extract(year from booked_on)::integer as year,
        sum(amount - returned - recovered) as total,
        coalesce(sum(amount - returned - recovered) filter (where extract(month from booked_on) = 12), 0) as december
    from payment
    where fund = %(fund)s and booked_on is not null
    group by 1
    having sum(amount - returned - recovered) > 0
)
select
    year,
    total,
    december,
    array(
        select confirmed_position
        from payment
        where fund = %(fund)s and booked_on between make_date(year, 12, 1) and make_date(year, 12, 31)
        order by confirmed_position
        limit %(limit)s
    ) as positions
from paid
order by year
