-- waivers: the rules that were waived in one project: for which award or application, for which payee and up to which
-- amount, by whom, and what shows that this is not who decided the award. Of the grants for one payee, the last one
-- that stands; if none stands, the last one, as reversed.
with granted as (
    select
        w.*,
        e.position,
        e.fact,
        exists (
            select from event as u
            where
                u.position = any(w.events)
                and u.type = 'EntryReversed'
                and (u.fact ->> 'version')::bigint = e.version
        ) as reversed
    from waiver as w
    join event as e on e.position = any(w.events) and e.type = 'WaiverGranted'
    where w.fund = %(fund)s and w.project = %(project)s
), last as (
    select distinct on (waiver, fact -> 'payee') *
    from granted
    order by waiver, fact -> 'payee', reversed, position desc
)
select
    rule,
    award,
    application,
    fact #>> '{payee,name}' as payee,
    fact ->> 'at_most' as at_most,
    fact ->> 'reason' as reason,
    coalesce(fact -> 'documents', '[]') as documents,
    (fact ->> 'occurred_on')::date as granted_on,
    fact ->> 'actor' as granted_by,
    fact ->> 'person' as person,
    fact ->> 'distinguished_by' as distinguished_by,
    case when reversed then 'reversed' else 'granted' end as status,
    events
from last
order by events[1], position
