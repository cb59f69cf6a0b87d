-- objections: one project's objections, in the order in which they were received.
select objection, application, reason, received_on, status, resolved_on, events
from objection
where fund = %(fund)s and project = %(project)s
order by events[1]
