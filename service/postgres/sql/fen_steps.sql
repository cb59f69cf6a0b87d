-- fen_steps: the events in the history of a fen: those that moved it and those that its moves are based on, which are
-- the fund's founding and plan, the review and the notice of its award, the award's agreement and acceptance, and the
-- steps of its payments.
with basis as (
    select established_position as position from fund where fund = %(fund)s
    union
    select unnest(array[adopted_position, plan_position]) from fund where fund = %(fund)s
    union
    select drafted.position
    from fund as f
    join event as adopted on adopted.position = f.adopted_position
    join event as drafted on drafted.stream = adopted.stream and drafted.version = (adopted.fact ->> 'draft')::bigint
    where f.fund = %(fund)s
    union
    select unnest(%(moved)s::bigint[])
    union
    select unnest(events)
    from award
    join unnest(%(projects)s::text[], %(awards)s::text[]) as asked (project, award) using (project, award)
    union
    select unnest(events)
    from payment
    join unnest(%(projects)s::text[], %(payments)s::text[]) as asked (project, payment) using (project, payment)
    union
    select b.position
    from event as decided
    join event as b
        on b.stream = decided.stream
        and b.version in ((decided.fact ->> 'review')::bigint, (decided.fact ->> 'notice')::bigint)
    where decided.position = any(%(moved)s::bigint[]) and decided.type = 'AwardListDecided'
)
select
    e.position,
    e.type,
    e.stream,
    e.version,
    e.fact ->> 'occurred_on' as occurred_on,
    e.fact ->> 'booked_on' as booked_on,
    e.fact ->> 'actor' as actor,
    coalesce(e.fact -> 'documents', '[]') as documents,
    e.fact #> '{payee,name}' as payee
from event as e
join basis using (position)
order by e.position
