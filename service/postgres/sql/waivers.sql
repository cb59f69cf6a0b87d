-- waivers: the rules that were waived in one project: for which award or application, for which payee and up to which
-- amount, by whom, and what shows that this is not who decided the award.
select
    w.rule,
    w.award,
    w.application,
    e.fact #>> '{payee,name}' as payee,
    e.fact ->> 'at_most' as at_most,
    w.reason,
    w.granted_on,
    w.granted_by,
    e.fact ->> 'person' as person,
    e.fact ->> 'distinguished_by' as distinguished_by,
    w.status,
    w.events
from waiver as w
join lateral (
    select * from event where position = any(w.events) and type = 'WaiverGranted' order by position desc limit 1
) as e on true
where w.fund = %(fund)s and w.project = %(project)s
order by w.events[1]
