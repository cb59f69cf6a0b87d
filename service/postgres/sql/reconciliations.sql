-- reconciliations: a fund's statements that were accepted by a position, the latest first. Of several for the same file
-- and days, only the last is in force.
with known as (
    select
        r.*,
        case when events[2] <= %(position)s then 'reversed' else 'accepted' end as stands
    from reconciliation as r
    where
        fund = %(fund)s
        and events[1] <= %(position)s
        and (%(file_sha256)s::text is null or file_sha256 = %(file_sha256)s)
)
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
        when stands = 'accepted' and version < max(version) filter (where stands = 'accepted') over (
            partition by file_sha256, first_day, last_day
        ) then 'replaced'
        else stands
    end as status,
    events[1] as position
from known
order by version desc
