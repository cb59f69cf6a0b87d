-- event: the one at this position.
select position, stream, version, type, recorded_at, fact from event where position = %(position)s
