-- archive_events: a range of the log. The first event of each post has the post's columns.
select
    e.position,
    e.stream,
    e.version,
    e.type,
    e.recorded_at,
    e.fact::text as fact,
    p.source as post_source,
    p.id as post_id,
    p.digest as post_digest,
    p.last_position as post_last
from event as e
left join post as p on p.first_position = e.position
where e.position between %(first)s and %(last)s
order by e.position
