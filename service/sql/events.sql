-- events: the log from one position on.
select position, stream, version, type, recorded_at, fact
from event
where position > %(after)s
order by position
limit %(limit)s
