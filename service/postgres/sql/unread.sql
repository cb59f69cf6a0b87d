-- unread: how many events of each of these streams, and of the funds of the projects among them, a reader would replay
-- who has none of them cached: those after its snapshot. Six events of a snapshot are read in the time of one replay.
with wanted as (
    select unnest(%(streams)s::text[]) as stream
), needed as (
    select stream from wanted
    union
    select 'fund/' || (e.fact ->> 'fund')
    from wanted as w
    cross join lateral (select fact from event where stream = w.stream and version = 1 limit 1) as e
    where w.stream like 'project/%%'
)
select n.stream, last.version - coalesce(s.version, 0) + coalesce(s.version, 0) / 6 as events
from needed as n
cross join lateral (select version from event where stream = n.stream order by version desc limit 1) as last
left join snapshot as s on s.stream = n.stream and s.code = %(code)s
