-- entries: recorded events by stream and version, for posts that refer to them.
select e.stream, e.version, e.type, e.fact::text as body
from unnest(%(streams)s::text[], %(versions)s::bigint[]) as asked (stream, version)
cross join lateral (
    select * from event where event.stream = asked.stream and event.version = asked.version limit 1
) as e
