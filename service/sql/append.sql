-- append: one bundle into the log, by the one function that writes it.
select outcome, first_position
from append_events(
    %(sources)s::text[], %(ids)s::text[], %(digests)s::bytea[], %(firsts)s::int[], %(lasts)s::int[],
    %(read_streams)s::text[], %(read_versions)s::bigint[],
    %(streams)s::text[], %(versions)s::bigint[], %(types)s::text[], %(facts)s::text[],
    %(claim_kinds)s::text[], %(claim_numbers)s::text[], %(claim_events)s::int[],
    %(free_kinds)s::text[], %(free_numbers)s::text[],
    %(serial_before)s::bigint, %(serial_after)s::bigint
)
