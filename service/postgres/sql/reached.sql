-- reached: the position that every projection has folded, the log's last position, and whether any fund is held.
select
    (select case count(*) when cardinality(%(names)s::text[]) then min(position) else 0 end from projection where name = any(%(names)s)) as position,
    (select coalesce(max(position), 0) from event) as head,
    exists (select from held_fund) as any_held
