-- payees_not_applicants: a fund's awards that are paid to another than the applicant, or than what the applicant is
-- called since a rename after the award: the first `limit` of them, and how many there are. `type` is the event by
-- which the payee is another: a waiver, a change of payee, a rename before the award, or the award list itself;
-- `positions` are those of the award list and of that event.
with other as (
    select *, count(*) over () as total
    from award as a
    where
        a.fund = %(fund)s
        and a.payee_identity <> a.identity
        and a.status <> 'reversed'
        and not exists (
            select
            from recipient_rename as r
            where
                r.project = a.project
                and r.application = a.application
                and r.status = 'recorded'
                and r.events[1] > a.decided_position
                and a.payee_identity in (r.old_identity, r.new_identity)
                and a.identity in (
                    select unnest(array[s.old_identity, s.new_identity])
                    from recipient_rename as s
                    where s.project = a.project and s.application = a.application and s.status = 'recorded'
                )
        )
    order by a.decided_position
    limit %(limit)s
)
select
    o.project,
    o.award,
    o.applicant,
    o.payee,
    coalesce(by.type, 'AwardListDecided') as type,
    array_remove(array[o.decided_position, by.position], null) as positions,
    o.total
from other as o
left join lateral (
    select e.position, e.type
    from event as e
    where
        e.type in ('WaiverGranted', 'PayeeChanged', 'RecipientRenamed')
        and identity_of(coalesce(e.fact -> 'new', e.fact -> 'payee')) = o.payee_identity
        and (
            e.position = any(o.events)
            or e.position = any((
                select w.events
                from waiver as w
                where
                    w.project = o.project
                    and w.waiver = 'PayeeNotApplicant/application/' || o.application
                    and w.status = 'granted'
            )::bigint[])
            or e.position in (
                select r.events[1]
                from recipient_rename as r
                where r.project = o.project and r.application = o.application and r.status = 'recorded'
            )
        )
    order by e.position desc
    limit 1
) as by on true
order by o.decided_position
