-- stream_version: the version of a stream, which is the number of its events.
select max(version) as version from event where stream = %(stream)s
