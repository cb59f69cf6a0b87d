-- entries: the recorded events that posts refer to, by their places in their streams.
select e.stream, e.version, e.type, e.fact::text as body
from unnest(%(streams)s::text[], %(versions)s::bigint[]) as asked (stream, version)
join event as e using (stream, version)
