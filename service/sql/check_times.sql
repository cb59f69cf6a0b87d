-- check_times: where an event was recorded before the one before it.
select position
from (select position, recorded_at, lag(recorded_at) over (order by position) as before from event) as e
where recorded_at < before and position <= %(upto)s
order by position
