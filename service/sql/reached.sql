-- reached: the position that every projection has folded, and the log's last.
select
    (select coalesce(min(position), 0) from projection where name = any(%(names)s)) as position,
    (select coalesce(max(position), 0) from event) as head
