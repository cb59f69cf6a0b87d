-- check_posts: the facts whose post is not kept, so that it would count again. A mirror has its leader's.
select e.position
from event as e
left join post as p on p.source = e.fact ->> 'source' and p.id = e.fact ->> 'source_id'
where
    not e.fact ? 'mirrors'
    and e.position <= %(upto)s
    and coalesce(e.position not between p.first_position and p.last_position, true)
order by e.position
