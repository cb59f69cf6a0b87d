-- awards: awards in the order in which they were decided, each with its amounts by account.
with page as (
    select *
    from award as a
    where
        (a.events[1], a.award) > (%(position)s, %(award)s)
        and (%(fund)s::text is null or a.fund = %(fund)s)
        and (%(project)s::text is null or a.project = %(project)s)
        and (%(status)s::text is null or a.status = %(status)s)
        and (%(acceptance)s::text is null or a.acceptance = %(acceptance)s)
        and (
            %(recipient)s::text is null
            or (a.project, a.award) in (select w.project, w.award from awards_of(%(recipient)s) as w)
        )
        and (
            %(recipient_name)s::text is null
            or (a.project, a.award) in (select w.project, w.award from awards_named(%(recipient_name)s) as w)
        )
    order by a.events[1], a.award
    limit %(limit)s
)
select
    a.project,
    a.award,
    a.fund,
    a.application,
    a.applicant,
    a.uscc,
    split_part(a.identity, ':', 1) as identity_kind,
    identity_last4(a.identity) as id_last4,
    identity_code(a.identity, 'registration') as registration,
    a.payee,
    a.payee_uscc,
    split_part(a.payee_identity, ':', 1) as payee_identity_kind,
    identity_last4(a.payee_identity) as payee_id_last4,
    identity_code(a.payee_identity, 'registration') as payee_registration,
    a.payee_account,
    a.score,
    a.rank,
    a.decided_on,
    a.status,
    a.ends_on,
    a.acceptance,
    a.rectify_by,
    yuan(b.committed + b.payable + b.in_approval + b.in_transit + b.paid) as awarded,
    yuan(b.committed) as committed,
    yuan(b.payable) as payable,
    yuan(b.in_approval + b.in_transit) as in_flight,
    yuan(b.paid) as paid,
    yuan(b.recovered) as recovered,
    (
        select r.new_name
        from recipient_rename as r
        where r.project = a.project and r.application = a.application and r.status = 'recorded'
        order by r.version desc
        limit 1
    ) as renamed_to,
    a.events
from page as a
cross join lateral (
    select
        coalesce(sum(committed), 0) as committed, coalesce(sum(payable), 0) as payable,
        coalesce(sum(in_approval), 0) as in_approval, coalesce(sum(in_transit), 0) as in_transit,
        coalesce(sum(paid), 0) as paid, coalesce(sum(recovered), 0) as recovered
    from balance as b
    where b.fund = a.fund and b.project = a.project and b.award = a.award
) as b
order by a.events[1], a.award
