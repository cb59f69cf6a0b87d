-- load: what deciding a bundle needs and the cache does not have, in one query: the events of the requested streams,
-- and of the funds of the projects among them, after the cached versions and up to a position; the posts already
-- recorded; the claims already made; the ledger's next serial; when the last calendar was imported.
-- Each look-up of a single row or of a stream's tail is a subquery of its own. As joins, planned with what the planner
-- knows of the tables, the look-ups would read the whole log when it is young or has few streams.
with wanted as (
    select * from unnest(
        %(streams)s::text[], %(versions)s::bigint[], %(positions)s::bigint[], %(nonces)s::bigint[]
    ) as w (stream, version, position, nonce)
), funds as (
    select distinct 'fund/' || (e.fact ->> 'fund') as stream
    from wanted as w
    cross join lateral (select fact from event where stream = w.stream and version = 1 limit 1) as e
    where w.stream like 'project/%%'
), needed as (
    select * from wanted
    union all
    select f.stream, coalesce(h.version, 0), h.position, h.nonce
    from funds as f
    left join unnest(
        %(held_streams)s::text[], %(held_versions)s::bigint[], %(held_positions)s::bigint[], %(held_nonces)s::bigint[]
    ) as h (stream, version, position, nonce) using (stream)
    where f.stream not in (select stream from wanted)
), sound as (
    -- A cached state may be of another history, as after a restore from backup or a failover that lost commits: then it
    -- is dropped. Its version alone does not tell: other events may have the versions of the lost ones.
    select n.stream, n.version > 0 and not log.has_it as is_foreign, case when log.has_it then n.version else 0 end as version
    from needed as n
    cross join lateral (
        select coalesce((
            select e.position = n.position and e.nonce = n.nonce from event as e
            where e.stream = n.stream and e.version = n.version
        ), false) as has_it
    ) as log
), base as (
    select n.stream, coalesce(s.version, n.version) as version, s.position, s.nonce, s.state
    from sound as n
    left join lateral (
        select * from snapshot
        where n.version = 0 and snapshot.stream = n.stream and snapshot.code = %(code)s and snapshot.position <= %(upto)s and (
            select e.position = snapshot.position and e.nonce = snapshot.nonce from event as e
            where e.stream = snapshot.stream and e.version = snapshot.version
        )
        limit 1
    ) as s on true
)
select
    0 as part, 'foreign' as kind, stream, null::bigint as version, null as type, null as body, null::bigint as position,
    null::bigint as nonce, null::timestamptz as imported_at
from sound where is_foreign
union all
select 1, 'snapshot', stream, version, null, state, position, nonce, null from base where state is not null
union all
select 2, 'event', e.stream, e.version, e.type, e.fact::text, e.position, e.nonce, null
from base as b
cross join lateral (
    select * from event
    where event.stream = b.stream and event.version > b.version and event.position <= %(upto)s
    order by event.version
    offset 0
) as e
union all
select 3, 'post', p.source, p.first_position, p.id, format('%%s %%s %%s', encode(p.digest, 'hex'), p.last_position, e.version),
    null, null, null
from unnest(%(sources)s::text[], %(ids)s::text[]) as asked (source, id)
cross join lateral (select * from post where post.source = asked.source and post.id = asked.id limit 1) as p
cross join lateral (select version from event where position = p.first_position limit 1) as e
union all
select 4, 'claim', c.stream, c.version, null,
    json_build_object(
        'source', c.source, 'kind', c.kind, 'number', c.number,
        'issuer', c.issuer, 'own_bank', c.own_bank, 'day', c.day, 'event_day', c.event_day
    )::text,
    null, null, null
from unnest(%(claim_sources)s::text[], %(claim_kinds)s::text[], %(claim_numbers)s::text[]) as asked (source, kind, number)
cross join lateral (
    select * from claim
    where claim.source = asked.source and claim.kind = asked.kind and claim.number = asked.number
    offset 0
) as c
union all
select 5, 'serial', null, next, null, null, null, null, null from serial
union all
select 6, 'calendar', null, null, null, null, null, null, max(imported_at) from calendar_import
order by part, stream, version
