-- rounds: one project's calls for applications and lists, with the status of each round.
select
    round::integer as round, selection, status, opens_on, closes_on, closed_on, reviewed_on, notice_from, notice_to,
    notice_completed_on, events
from round
where fund = %(fund)s and project = %(project)s
order by round::integer
