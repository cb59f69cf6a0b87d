-- events_at: the events at these positions, as they are served.
select position, cloudevent(e, %(source)s) as line from event as e where position = any(%(positions)s)
