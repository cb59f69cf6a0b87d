-- accounts_shared: the bank accounts of a fund's payees that several recipients have: the first `limit` of them, and
-- how many there are. Payees are those of awards, of waivers, and those that the bank paid instead of the requested
-- one. A recipient that was renamed is one recipient.
with renamed as (
    select distinct on (old_identity) old_identity, new_identity
    from recipient_rename
    where fund = %(fund)s and status = 'recorded'
    order by old_identity, version desc
), other as materialized (
    select w.events[1] as position, e.fact -> 'payee' as payee
    from waiver as w
    join event as e on e.position = any(w.events) and e.type = 'WaiverGranted'
    where w.fund = %(fund)s and w.status = 'granted' and e.fact ? 'payee'
    union all
    select e.position, e.fact -> 'payee'
    from payment as p
    join event as e on e.position = p.confirmed_position
    where p.fund = %(fund)s and p.payee_differs and identity_of(e.fact -> 'payee') is not null
), candidate as (
    select digest from recipient where fund = %(fund)s and shared
    union
    select payee #>> '{account,digest}' from other
), held as (
    select a.payee_digest as digest, a.payee_identity as identity, a.payee as name, a.payee_account as last4,
        a.decided_position as position
    from candidate as c
    join award as a on a.fund = %(fund)s and a.payee_digest = c.digest and a.status <> 'reversed'
    union all
    select payee #>> '{account,digest}', identity_of(payee), payee ->> 'name', payee #>> '{account,last4}', position
    from other
)
select
    min(h.last4) as last4,
    array_agg(distinct h.name order by h.name) as payees,
    array_agg(distinct h.position order by h.position) as positions,
    count(*) over () as total
from held as h
left join renamed as r on r.old_identity = h.identity
group by h.digest
having min(coalesce(r.new_identity, h.identity)) <> max(coalesce(r.new_identity, h.identity))
order by min(h.position), h.digest
limit %(limit)s
