-- holds: the holds of a fund or project in the order in which they were made.
select
    project, hold, fund, award, yuan(amount) as amount, until, authority, reason, held_on, held_by, released_on, status,
    events
from hold
where
    (events[1], hold) > (%(position)s, %(name)s)
    and (%(fund)s::text is null or fund = %(fund)s)
    and (%(project)s::text is null or project = %(project)s)
    and (%(status)s::text is null or status = %(status)s)
order by events[1], hold
limit %(limit)s
