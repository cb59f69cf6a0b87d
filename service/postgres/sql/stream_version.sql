-- stream_version: how many events a stream has.
select max(version) as version from event where stream = %(stream)s
