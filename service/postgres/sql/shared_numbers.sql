-- shared_numbers: document numbers that an event of the fund and another sender have used, up to a position: the stream
-- and position of both events, at most 1000.
select distinct
    own.kind,
    own.number,
    own.stream,
    own_event.position,
    other.stream as other_stream,
    other_event.position as other_position
from claim as hint
join claim as own on own.kind = hint.kind and own.number = hint.number
join event as own_event on own_event.stream = own.stream and own_event.version = own.version
join claim as other on other.kind = own.kind and other.number = own.number and other.source <> own.source
join event as other_event on other_event.stream = other.stream and other_event.version = other.version
where
    hint.shared
    and greatest(own_event.position, other_event.position) <= %(position)s
    and own_event.fact ->> 'fund' = %(fund)s
    and (other_event.fact ->> 'fund' <> %(fund)s or own_event.position > other_event.position)
order by own_event.position desc
limit 1000
