-- append: append events and their posts to the log, through the only function that writes it.
select outcome, first_position, nonce
from append_events(
    %(sources)s::text[], %(ids)s::text[], %(digests)s::bytea[], %(firsts)s::int[], %(lasts)s::int[],
    %(read_streams)s::text[], %(read_versions)s::bigint[], %(read_positions)s::bigint[], %(read_nonces)s::bigint[],
    %(streams)s::text[], %(versions)s::bigint[], %(types)s::text[], %(facts)s::text[],
    %(claim_sources)s::text[], %(claim_kinds)s::text[], %(claim_numbers)s::text[], %(claim_events)s::int[],
    %(claim_issuers)s::text[], %(claim_own_banks)s::text[], %(claim_days)s::text[], %(claim_event_days)s::text[],
    %(absent_kinds)s::text[], %(absent_codes)s::text[],
    %(free_sources)s::text[], %(free_kinds)s::text[], %(free_numbers)s::text[],
    %(free_issuers)s::text[], %(free_own_banks)s::text[], %(free_days)s::text[], %(free_event_days)s::text[],
    %(serial_before)s::bigint, %(serial_after)s::bigint, %(calendar_at)s::timestamptz
)
