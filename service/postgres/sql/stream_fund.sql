-- stream_fund: the fund that a project belongs to, from the first event of the project's stream.
select fact ->> 'fund' as fund from event where stream = %(stream)s and version = 1
