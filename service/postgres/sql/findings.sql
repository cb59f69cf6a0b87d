-- findings: the findings of a fund or project in the order in which they were opened.
select
    stream, finding, fund, project, kind, rule, text, authority, found_by, yuan(amount) as amount, due_on, opened_on,
    opened_by, status, how, settled_on, settled_by, settlement, events
from finding
where
    (events[1], finding) > (%(position)s, %(name)s)
    and (%(fund)s::text is null or fund = %(fund)s)
    and (%(project)s::text is null or project = %(project)s)
    and (%(status)s::text is null or status = %(status)s)
order by events[1], finding
limit %(limit)s
