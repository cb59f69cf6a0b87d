-- check_versions: where a stream's versions have a gap, in the order of its versions or of the log.
select stream, version, expected
from (
    select stream, version, position, row_number() over (partition by stream order by position) as expected from event
) as e
where version <> expected and position <= %(upto)s
order by position
