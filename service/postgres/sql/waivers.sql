-- waivers: the rules that were waived in one project: for which award or application, and by whom.
select rule, award, application, reason, granted_on, granted_by, status, events
from waiver
where fund = %(fund)s and project = %(project)s
order by events[1]
