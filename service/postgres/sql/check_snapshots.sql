-- check_snapshots: the snapshots that a decision would read: of this code, and of an event that the log has. Each state
-- is read alone (snapshot_state): it may have 256 MB.
select s.stream, s.version
from snapshot as s
join event as e on e.stream = s.stream and e.version = s.version
where s.code = %(code)s and e.position = s.position and e.nonce = s.nonce
