-- access_changes: all grants and revocations of access, in order, with the reasons that were given.
select id, at, key, action, by, detail ->> 'reason' as reason, detail - 'reason' as detail
from access_change
order by id
