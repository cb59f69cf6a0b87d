-- append: append events and their posts to the log, through the only function that writes it.
select outcome, first_position, nonce
from append_events(
    %(sources)b::text[], %(ids)b::text[], %(digests)b::bytea[], %(firsts)s::int[], %(lasts)s::int[],
    %(read_streams)b::text[], %(read_versions)s::bigint[], %(read_positions)s::bigint[], %(read_nonces)s::bigint[],
    %(streams)b::text[], %(versions)s::bigint[], %(types)b::text[], %(facts)b::text[],
    %(claim_sources)b::text[], %(claim_kinds)b::text[], %(claim_numbers)b::text[], %(claim_events)s::int[],
    %(absent_kinds)b::text[], %(absent_codes)b::text[],
    %(free_sources)b::text[], %(free_kinds)b::text[], %(free_numbers)b::text[],
    %(serial_before)s::bigint, %(serial_after)s::bigint, %(calendar_at)s::timestamptz
)
