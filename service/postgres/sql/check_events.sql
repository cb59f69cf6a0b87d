-- check_events: the events of one part of the funds, fund by fund.
select position, stream, version, type, fact ->> 'fund' as fund, fact::text as body
from event
where abs(hashtext(coalesce(fact ->> 'fund', ''))) %% %(of)s = %(number)s
order by fact ->> 'fund', position
