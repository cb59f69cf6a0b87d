-- project_awards: one project's awards in the order of their ranks, each with where its money stands.
select
    a.award,
    a.application,
    a.applicant,
    a.uscc,
    a.score,
    a.rank,
    a.decided_on,
    a.acceptance,
    a.rectify_by,
    yuan(sum(b.committed + b.payable + b.in_approval + b.in_transit + b.paid)) as awarded,
    yuan(sum(b.committed)) as committed,
    yuan(sum(b.payable)) as payable,
    yuan(sum(b.in_approval + b.in_transit)) as in_flight,
    yuan(sum(b.paid)) as paid,
    a.events
from award as a
join balance as b using (fund, project, award)
where a.fund = %(fund)s and a.project = %(project)s
group by a.project, a.award
order by a.decided_on, a.rank
