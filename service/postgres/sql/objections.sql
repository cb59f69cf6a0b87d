-- objections: one project's, in the order in which they came in.
select objection, application, reason, received_on, status, resolved_on, events
from objection
where fund = %(fund)s and project = %(project)s
order by events[1]
