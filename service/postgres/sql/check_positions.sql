-- check_positions: gaps in the log's positions.
select before, position
from (select position, lag(position, 1, 0::bigint) over (order by position) as before from event) as e
where position <> before + 1 and position <= %(upto)s
order by position
