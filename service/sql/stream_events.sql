-- stream_events: one stream from one version on, as many as were asked for and fit into the bytes; one always.
with page as (
    select position, stream, version, type, recorded_at, fact
    from event
    where stream = %(stream)s and version > %(after)s
    order by version
    limit %(limit)s
)
select position, stream, version, type, recorded_at, fact
from (select *, sum(octet_length(fact::text)) over (order by version) - octet_length(fact::text) as before from page) as p
where before < %(bytes)s
order by version
