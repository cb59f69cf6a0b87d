-- check_referred: the entries, in one part of the funds, that other events refer to (Fact.refers_to): reversed entries,
-- reconciled entries, the entries that findings are about, and the notes that other notes correct.
with part as (
    select stream, type, fact
    from event
    where
        type in ('EntryReversed', 'StatementReconciled', 'FindingRecorded', 'NoteRecorded')
        and abs(hashtext(coalesce(fact ->> 'fund', ''))) %% %(of)s = %(number)s
)
select stream, (fact ->> 'version')::bigint as version from part where type = 'EntryReversed'
union
select stream, (fact ->> 'corrects')::bigint from part where type = 'NoteRecorded' and fact ? 'corrects'
union
select entry ->> 'stream', (entry ->> 'version')::bigint
from part
cross join lateral jsonb_path_query(fact, '$.*[*].entries[*]') as e (entry)
where type = 'StatementReconciled'
union
select entry ->> 'stream', (entry ->> 'version')::bigint
from part
cross join lateral jsonb_array_elements(fact -> 'events') as e (entry)
where type = 'FindingRecorded'
