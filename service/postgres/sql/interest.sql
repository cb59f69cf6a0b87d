-- interest: what came in and what was surrendered of a fund's interest, and what was reversed of both; who recorded it,
-- with which documents, and the recovery with which it came.
with moved as (
    select
        position, type, booked_on,
        sum(
            case
                when target = 'interest' and source = 'treasury' then amount
                when target = 'treasury' then -amount
                else 0
            end
        )::bigint as received,
        sum(
            case
                when target = 'interest_surrendered' then amount
                when source = 'interest_surrendered' then -amount
                else 0
            end
        )::bigint as surrendered
    from movement
    where fund = %(fund)s and (source = 'interest' or target = 'interest')
    group by position, type, booked_on
)
select
    m.position,
    m.type,
    m.booked_on,
    m.received,
    m.surrendered,
    case when e.stream like 'project/%%' then substr(e.stream, length('project/') + 1) end as project,
    e.fact ->> 'recovery' as recovery,
    e.fact ->> 'actor' as actor,
    e.fact ->> 'person' as person,
    coalesce(e.fact -> 'documents', '[]') as documents
from moved as m
join event as e using (position)
order by m.position
