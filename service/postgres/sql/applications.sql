-- applications: applications in the order of their receipt, each with what it applied for, what became of it, and the
-- amount that the last completed notice showed.
with page as (
    select *
    from application as a
    where
        (a.received_position, a.application) > (%(position)s, %(application)s)
        and (%(fund)s::text is null or a.fund = %(fund)s)
        and (%(project)s::text is null or a.project = %(project)s)
        and (%(status)s::text is null or a.status = %(status)s)
        and (
            %(recipient)s::text is null
            or (a.project, a.application) in (select o.project, o.application from applications_of(%(recipient)s) as o)
        )
    order by a.received_position, a.application
    limit %(limit)s
), numbered as materialized (
    select *, dense_rank() over (order by project, round) as nth_round from page
), shown as materialized (
    -- As in awards.sql.
    select array_agg((
        select r.shown || '{}' from round as r where r.project = p.project and r.round = p.round::text
    ) order by p.nth_round) as amounts
    from (select distinct nth_round, project, round from numbered) as p
)
select
    a.application,
    a.project,
    a.fund,
    a.round,
    a.received_on,
    a.number,
    a.applicant,
    a.uscc,
    split_part(a.identity, ':', 1) as identity_kind,
    identity_last4(a.identity) as id_last4,
    identity_code(a.identity, 'registration') as registration,
    yuan(a.amount) as amount,
    a.title,
    a.place,
    a.starts_on,
    a.ends_on,
    a.rewarded_for,
    a.grounds,
    a.status,
    a.screened as screening,
    a.score,
    (select amounts from shown)[a.nth_round] ->> a.application as shown,
    a.status = 'withdrawn' as withdrawn,
    a.excluded,
    (
        select w.award from award as w
        where w.project = a.project and w.application = a.application and w.status <> 'reversed'
    ) as award,
    a.received_position,
    a.events
from numbered as a
order by a.received_position, a.application
