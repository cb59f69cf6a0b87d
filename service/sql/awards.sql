-- awards: in the order in which they were decided, each with where its money stands.
select
    a.project,
    a.award,
    a.fund,
    a.application,
    a.applicant,
    a.uscc,
    a.payee,
    a.payee_uscc,
    a.payee_account,
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
where
    (a.events[1], a.award) > (%(position)s, %(award)s)
    and (%(fund)s::text is null or a.fund = %(fund)s)
    and (%(project)s::text is null or a.project = %(project)s)
    and (%(acceptance)s::text is null or a.acceptance = %(acceptance)s)
    and (%(uscc)s::text is null or a.uscc = %(uscc)s)
group by a.project, a.award
order by a.events[1], a.award
limit %(limit)s
