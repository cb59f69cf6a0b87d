-- reached: the position that every projection has folded, the log's last position, and whether any fund is held.
with used as materialized (
    -- Each cursor is looked up once, not once for each projection: a long snapshot keeps its earlier rows.
    select cursor, count(*) as projections from projection where name = any(%(names)s) group by cursor
)
select
    (
        select case sum(used.projections) when cardinality(%(names)s::text[]) then min(c.position) else 0 end
        from used
        join projection_cursor as c on c.id = used.cursor
    ) as position,
    (select coalesce(max(position), 0) from event) as head,
    exists (select from held_fund) as any_held
