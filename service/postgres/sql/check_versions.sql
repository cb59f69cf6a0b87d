-- check_versions: events whose version is not the next one of their stream, in the order of the log.
select stream, version, expected
from (
    select stream, version, position, row_number() over (partition by stream order by position) as expected from event
) as e
where version <> expected and position <= %(upto)s
order by position
