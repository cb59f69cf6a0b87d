-- reconciliations: the statements of a fund that were accepted, the latest first; of one file the last counts.
select
    version,
    file_sha256,
    first_day,
    last_day,
    compared_at,
    lines,
    yuan(received) as received,
    yuan(paid_out) as paid_out,
    matches,
    exceptions,
    accepted_on,
    accepted_by,
    case
        when status = 'accepted' and version < max(version) filter (where status = 'accepted') over (
            partition by file_sha256
        ) then 'replaced'
        else status
    end as status,
    events[1] as position
from reconciliation
where fund = %(fund)s
order by version desc
