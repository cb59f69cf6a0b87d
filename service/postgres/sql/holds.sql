-- holds: the holds of a fund or project in the order in which they were made, with the documents that they rest on.
with page as (
    select *
    from hold as h
    where
        (h.events[1], h.hold) > (%(position)s, %(name)s)
        and (%(fund)s::text is null or h.fund = %(fund)s)
        and (%(project)s::text is null or h.project = %(project)s)
        and (%(status)s::text is null or h.status = %(status)s)
    order by h.events[1], h.hold
    limit %(limit)s
)
select
    h.project,
    h.hold,
    h.fund,
    h.award,
    yuan(h.amount) as amount,
    h.until,
    h.authority,
    h.reason,
    coalesce(o.fact -> 'documents', '[]') as documents,
    h.held_on,
    h.held_by,
    o.fact ->> 'person' as held_by_person,
    h.released_on,
    r.fact ->> 'actor' as released_by,
    r.fact ->> 'person' as released_by_person,
    r.fact ->> 'reason' as release_reason,
    coalesce(r.fact -> 'documents', '[]') as release_documents,
    h.status,
    h.events
from page as h
join lateral (
    select fact from event where position = any(h.events) and type = 'FundsHeld' order by position desc limit 1
) as o on true
left join lateral (
    select fact
    from event
    where position = any(h.events) and type = 'HoldReleased' and h.status = 'released'
    order by position desc
    limit 1
) as r on true
order by h.events[1], h.hold
