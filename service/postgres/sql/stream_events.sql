-- stream_events: the events of one stream after a version, in pages as in `feed`.
with page as (
    select version as cursor, cloudevent(e, %(source)s) as line
    from event as e
    where stream = %(stream)s and version > %(after)s
    order by version
    limit %(limit)s
)
select cursor, line
from (select *, sum(octet_length(line)) over (order by cursor) - octet_length(line) as before from page) as p
where before < %(bytes)s
order by cursor
