-- post: a post's position in the log, by its identity, and the key that sent it.
select p.source, p.id, p.first_position as position, p.last_position, e.stream, e.version, e.recorded_at,
    e.fact ->> 'fund' as fund, e.fact ->> 'key' as key
from post as p
join event as e on e.position = p.first_position
where p.source = %(source)s and p.id = %(id)s
