-- feed_of_fund: the events of one fund, in pages as in `feed`.
with page as (
    select position as cursor, cloudevent(e, %(source)s) as line
    from event as e
    where
        fact ->> 'fund' = %(fund)s
        and position > %(after)s
        and position <= %(upto)s
        and (%(types)s::text[] is null or type = any(%(types)s))
    order by position
    limit %(limit)s
)
select cursor, line, found
from (
    select
        *,
        sum(octet_length(line)) over (order by cursor) - octet_length(line) as before,
        count(*) over () as found
    from page
) as p
where before < %(bytes)s
order by cursor
