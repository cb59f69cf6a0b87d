-- check_reversed: the entries that reversals of one part of the funds name.
select stream, (fact ->> 'version')::bigint as version
from event
where
    type = 'EntryReversed' and position <= %(upto)s and abs(hashtext(coalesce(fact ->> 'fund', ''))) %% %(of)s = %(number)s
