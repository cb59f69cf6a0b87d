-- events: the log from one position on, as many as were asked for and fit into the bytes; one always.
with page as (
    select position, stream, version, type, recorded_at, fact
    from event
    where position > %(after)s
    order by position
    limit %(limit)s
)
select position, stream, version, type, recorded_at, fact
from (select *, sum(octet_length(fact::text)) over (order by position) - octet_length(fact::text) as before from page) as p
where before < %(bytes)s
order by position
