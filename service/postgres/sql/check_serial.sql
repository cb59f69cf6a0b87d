-- check_serial: the next serial and the end of the issued serials, if they differ; both as of now.
with issued as (
    select coalesce(max(upper(r)), 0) as upto
    from event as e
    cross join lateral jsonb_array_elements(e.fact -> 'moves') as m (move)
    cross join lateral unnest((m.move ->> 'fen')::int8multirange) as r
    where
        e.type in ('AppropriationReceived', 'InterestReceived', 'RecoveryReceived')
        and m.move ->> 'from' = 'treasury'
        and %(upto)s >= 0
)
select coalesce((select next from serial)::text, 'none') as next, issued.upto as issued,
    issued.upto::text as issued_text
from issued
where (select next from serial) is distinct from issued.upto
