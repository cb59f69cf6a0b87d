-- check_times: events recorded earlier than the event before them, or more than a day in the future.
select position
from (select position, recorded_at, lag(recorded_at) over (order by position) as before from event) as e
where (recorded_at < before or recorded_at > now() + interval '1 day') and position <= %(upto)s
order by position
