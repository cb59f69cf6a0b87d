-- awards: awards in the order in which they were decided, each with its amounts by account, and with what was applied
-- for, shown, decided, amended, returned and recovered.
with page as (
    select *
    from award as a
    where
        (a.decided_position, a.award) > (%(position)s, %(award)s)
        and (%(fund)s::text is null or a.fund = %(fund)s)
        and (%(project)s::text is null or a.project = %(project)s)
        and (%(status)s::text is null or a.status = %(status)s)
        and (%(acceptance)s::text is null or a.acceptance = %(acceptance)s)
        and (%(payee)s::text is null or a.payee_uscc = %(payee)s or plain(a.payee) = plain(%(payee)s))
        and (
            %(recipient)s::text is null
            or (a.project, a.award) in (select w.project, w.award from awards_of(%(recipient)s) as w)
        )
        and (
            %(recipient_name)s::text is null
            or (a.project, a.award) in (select w.project, w.award from awards_named(%(recipient_name)s) as w)
        )
    order by a.decided_position, a.award
    limit %(limit)s
), numbered as materialized (
    select *, dense_rank() over (order by project, round) as nth_round from page
), shown as materialized (
    -- What the notices of the page's rounds showed, as one array: a join to them is planned for too few rows. To add
    -- nothing to a value makes it one that is not stored apart from its row, and is read only once.
    select array_agg((
        select r.shown || '{}' from round as r where r.project = p.project and r.round = p.round::text
    ) order by p.nth_round) as amounts
    from (select distinct nth_round, project, round from numbered) as p
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
    checkpoints_listed(p.checkpoints, a.checkpoints) as checkpoints,
    yuan(b.committed + b.payable + b.in_approval + b.in_transit + b.paid) as awarded,
    yuan(b.committed) as committed,
    yuan(b.payable) as payable,
    yuan(b.in_approval + b.in_transit) as in_flight,
    yuan(b.paid) as paid,
    yuan(b.recovered) as recovered,
    yuan(a.applied) as applied,
    (select amounts from shown)[a.nth_round] ->> a.application as shown,
    yuan(a.decided) as decided,
    coalesce(yuan(m.amended), '0.00') as amended,
    coalesce(yuan(r.returned), '0.00') as returned,
    coalesce(yuan(r.received), '0.00') as recovery_received,
    (
        select r.new_name
        from recipient_rename as r
        where r.project = a.project and r.application = a.application and r.status = 'recorded'
        order by r.version desc
        limit 1
    ) as renamed_to,
    a.events
from numbered as a
join project as p on p.fund = a.fund and p.project = a.project
cross join lateral (
    select
        coalesce(sum(committed), 0) as committed, coalesce(sum(payable), 0) as payable,
        coalesce(sum(in_approval), 0) as in_approval, coalesce(sum(in_transit), 0) as in_transit,
        coalesce(sum(paid), 0) as paid, coalesce(sum(recovered), 0) as recovered
    from balance as b
    where b.fund = a.fund and b.project = a.project and b.award = a.award
) as b
cross join lateral (
    select sum(case m.source when 'line' then m.amount else -m.amount end) as amended
    from movement as m
    where m.project = a.project and m.award = a.award and (m.type = 'AwardAmended' or m.entry = 'AwardAmended')
) as m
cross join lateral (
    select sum(p.returned) as returned, sum(p.recovered) as received
    from payment as p
    where p.project = a.project and p.award = a.award and (p.returned > 0 or p.recovered > 0)
) as r
order by a.decided_position, a.award
