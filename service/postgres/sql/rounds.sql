-- rounds: one project's calls for applications, and where each round stands.
select
    round::integer as round, status, opens_on, closes_on, closed_on, reviewed_on, notice_from, notice_to,
    notice_completed_on, events
from round
where fund = %(fund)s and project = %(project)s
order by round::integer
