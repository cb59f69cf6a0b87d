-- places: events by stream and version: their positions, and the documents they cite.
select e.stream, e.version, e.position, e.type, e.fact ->> 'occurred_on' as occurred_on,
    coalesce(e.fact -> 'documents', '[]') as documents
from unnest(%(streams)s::text[], %(versions)s::bigint[]) as asked (stream, version)
join event as e using (stream, version)
order by e.position
