-- check_times: where an event was recorded before the one before it, or is said to be recorded in time to come.
select position
from (select position, recorded_at, lag(recorded_at) over (order by position) as before from event) as e
where (recorded_at < before or recorded_at > now() + interval '1 day') and position <= %(upto)s
order by position
