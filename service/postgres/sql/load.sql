-- load: what deciding a bundle needs and the cache does not have, in one query: the events of the requested streams,
-- and of the funds of the projects among them, after the cached versions; the posts already recorded; the claimed
-- numbers already taken; the ledger's next serial.
-- Each look-up of a single row or of a stream's tail is a subquery of its own. As joins, planned with what the planner
-- knows of the tables, the look-ups would read the whole log when it is young or has few streams.
with wanted as (
    select * from unnest(%(streams)s::text[], %(versions)s::bigint[]) as w (stream, version)
), funds as (
    select distinct 'fund/' || (e.fact ->> 'fund') as stream
    from wanted as w
    cross join lateral (select fact from event where stream = w.stream and version = 1 limit 1) as e
    where w.stream like 'project/%%'
), needed as (
    select stream, version from wanted
    union all
    select f.stream, coalesce(h.version, 0)
    from funds as f
    left join unnest(%(held_streams)s::text[], %(held_versions)s::bigint[]) as h (stream, version) using (stream)
    where f.stream not in (select stream from wanted)
), sound as (
    -- A cached version may be ahead of the log, as after a restore from backup: then the cached state is dropped.
    select n.stream, n.version > log.version as ahead, case when n.version > log.version then 0 else n.version end as version
    from needed as n
    cross join lateral (select coalesce(max(e.version), 0) as version from event as e where e.stream = n.stream) as log
), base as (
    select n.stream, coalesce(s.version, n.version) as version, s.state
    from sound as n
    left join lateral (
        select * from snapshot where n.version = 0 and snapshot.stream = n.stream and snapshot.code = %(code)s limit 1
    ) as s on true
)
select 0 as part, 'ahead' as kind, stream, null::bigint as version, null as type, null as body from sound where ahead
union all
select 1 as part, 'snapshot' as kind, stream, version, null as type, state as body from base where state is not null
union all
select 2, 'event', e.stream, e.version, e.type, e.fact::text
from base as b
cross join lateral (
    select * from event where event.stream = b.stream and event.version > b.version order by event.version offset 0
) as e
union all
select 3, 'post', p.source, p.first_position, p.id, format('%%s %%s %%s', encode(p.digest, 'hex'), p.last_position, e.version)
from unnest(%(sources)s::text[], %(ids)s::text[]) as asked (source, id)
cross join lateral (select * from post where post.source = asked.source and post.id = asked.id limit 1) as p
cross join lateral (select version from event where position = p.first_position limit 1) as e
union all
select 4, 'claim', c.stream, c.version, c.kind, c.number
from unnest(%(claim_kinds)s::text[], %(claim_numbers)s::text[]) as asked (kind, number)
cross join lateral (select * from claim where claim.kind = asked.kind and claim.number = asked.number limit 1) as c
union all
select 5, 'serial', null, next, null, null from serial
order by part, stream, version
