-- interest: what came in and what was surrendered of a fund's interest, and what was reversed of both.
select
    position, type, booked_on,
    sum(
        case when target = 'interest' and source = 'treasury' then amount when target = 'treasury' then -amount else 0 end
    )::bigint as received,
    sum(
        case when target = 'interest_surrendered' then amount when source = 'interest_surrendered' then -amount else 0 end
    )::bigint as surrendered
from movement
where fund = %(fund)s and (source = 'interest' or target = 'interest')
group by position, type, booked_on
order by position
