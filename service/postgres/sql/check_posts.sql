-- check_posts: events whose post is not stored, so that sending the post again would record it twice. Mirrors are left
-- out: their leader's post is the one that is stored.
select e.position
from event as e
left join post as p on p.source = e.fact ->> 'source' and p.id = e.fact ->> 'source_id'
where
    not e.fact ? 'mirrors'
    and e.position <= %(upto)s
    and coalesce(e.position not between p.first_position and p.last_position, true)
order by e.position
