-- checks: the latest checks without their reports, or one check with its report.
select
    id,
    asked_at,
    asked_by,
    case
        when started_at is null then 'waiting'
        when finished_at is null then 'running'
        when report is null then 'failed'
        else 'finished'
    end as status,
    started_at,
    finished_at,
    errors,
    case when %(id)s::bigint is not null then report end as report
from check_run
where %(id)s::bigint is null or id = %(id)s
order by id desc
limit %(limit)s
