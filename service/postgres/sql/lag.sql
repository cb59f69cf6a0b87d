-- lag: the position that every projection has folded, how long the oldest unfolded event has been in the log, and how
-- many funds are held, and which part of the serial numbers is used.
with reached as (
    select
        (
            select case count(*) when cardinality(%(names)s::text[]) then min(position) else 0 end
            from projected
            where name = any(%(names)s)
        ) as projected,
        (select coalesce(max(position), 0) from event) as head
)
select
    r.head as suyuan_log_position,
    r.projected as suyuan_projected_position,
    r.head - r.projected as suyuan_projector_lag_events,
    greatest(coalesce(extract(epoch from clock_timestamp() - e.recorded_at), 0), 0)::float8 as suyuan_projector_lag_seconds,
    (select count(*) from held_fund) as suyuan_funds_held,
    (select next / 9223372036854775807.0 from serial)::float8 as suyuan_serials_used_ratio
from reached as r
left join event as e on e.position = r.projected + 1
