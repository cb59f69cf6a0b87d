-- check_referred: the entries, in one part of the funds, that other events refer to: reversed entries and reconciled
-- entries.
select stream, (fact ->> 'version')::bigint as version
from event
where
    type = 'EntryReversed' and abs(hashtext(coalesce(fact ->> 'fund', ''))) %% %(of)s = %(number)s
union
select entry ->> 'stream', (entry ->> 'version')::bigint
from event
cross join lateral jsonb_path_query(fact, '$.*[*].entries[*]') as e (entry)
where
    type = 'StatementReconciled'
    and abs(hashtext(coalesce(fact ->> 'fund', ''))) %% %(of)s = %(number)s
