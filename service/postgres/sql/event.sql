-- event: the event at this position.
select stream, fact ->> 'fund' as fund, cloudevent(e, %(source)s) as line from event as e where position = %(position)s
