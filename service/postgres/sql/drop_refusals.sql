-- drop_refusals: delete the oldest refusals of each of these keys that has more of them, or more bytes, than it may,
-- until nine tenths of both are left: so that this is done seldom, and for many at a time. At most 20 000 of a key,
-- which is more than one statement stores. Rows in use by others are left to the next time.
with oldest as (
    select o.id
    from refusal_total as t
    cross join lateral (
        select r.id, row_number() over w as nth, sum(r.bytes) over w - r.bytes as bytes_before
        from (select id, bytes from refusal where key = t.key order by id limit 20000) as r
        window w as (order by r.id)
    ) as o
    where
        t.key = any(%(keys)s)
        and (t.kept > %(max_kept)s or t.bytes > %(max_bytes)s)
        and (o.nth <= t.kept - %(max_kept)s * 0.9 or o.bytes_before < t.bytes - %(max_bytes)s * 0.9)
),
free as materialized (
    select id from refusal where id in (select id from oldest) for update skip locked
)
delete from refusal where id in (select id from free)
