-- stream_events: one stream from one version on.
select position, stream, version, type, recorded_at, fact
from event
where stream = %(stream)s and version > %(after)s
order by version
limit %(limit)s
