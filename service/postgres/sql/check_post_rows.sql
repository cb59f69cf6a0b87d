-- check_post_rows: stored posts whose positions are not exactly those of their own events, or whose digest is not the
-- one in these events (events recorded before 2026-12 have none). A new post with that identity would be answered as a
-- repetition and not be recorded, or the same post would be refused as another one.
select p.source, p.id, p.first_position as first, p.last_position as last
from post as p
left join event as f on f.position = p.first_position
left join event as l on l.position = p.last_position
left join event as n on n.position = p.last_position + 1
where
    p.first_position <= %(upto)s
    and (
        coalesce(f.fact ->> 'source' <> p.source or f.fact ->> 'source_id' <> p.id or f.fact ? 'mirrors', true)
        or coalesce(l.fact ->> 'source' <> p.source or l.fact ->> 'source_id' <> p.id, true)
        or (p.last_position > p.first_position and not l.fact ? 'mirrors')
        or f.fact ->> 'content_sha256' <> encode(p.digest, 'hex')
        or (n.fact ? 'mirrors' and n.fact ->> 'source' = p.source and n.fact ->> 'source_id' = p.id)
    )
order by p.first_position
