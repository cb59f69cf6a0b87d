-- waivers: the rules that were set aside in one project, for whom, and by whom.
select rule, award, application, reason, granted_on, granted_by, status, events
from waiver
where fund = %(fund)s and project = %(project)s
order by events[1]
