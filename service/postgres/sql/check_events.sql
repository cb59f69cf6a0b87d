-- check_events: the log fund by fund, of one part of the funds.
select position, stream, version, type, fact ->> 'fund' as fund, fact::text as body
from event
where position <= %(upto)s and abs(hashtext(coalesce(fact ->> 'fund', ''))) %% %(of)s = %(number)s
order by fact ->> 'fund', position
