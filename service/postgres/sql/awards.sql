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
        and (%(uscc)s::text is null or a.uscc = %(uscc)s)
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
    a.payee,
    a.payee_uscc,
    a.payee_account,
    a.score,
    a.rank,
    a.decided_on,
    a.status,
    a.ends_on,
    a.acceptance,
    a.rectify_by,
    (
        select jsonb_agg(
            jsonb_build_object(
                'checkpoint', c.name, 'status', coalesce(c.state ->> 'status', 'none'), 'on', c.state -> 'on',
                'rectify_by', c.state -> 'rectify_by', 'conclusion', c.state -> 'conclusion',
                'score', c.state -> 'score', 'settled', c.state -> 'settled',
                'actuals', coalesce(c.state -> 'actuals', '[]')
            ) order by c.rank
        )
        from (
            select name, rank,
                a.checkpoints
                -> case when rank < cardinality(p.checkpoints) then name else 'acceptance' end as state
            from unnest(case when p.checkpoints = '{}' then array['acceptance'] else p.checkpoints end)
                with ordinality as of_line (name, rank)
        ) as c
    ) as checkpoints,
    yuan(b.committed + b.payable + b.in_approval + b.in_transit + b.paid) as awarded,
    yuan(b.committed) as committed,
    yuan(b.payable) as payable,
    yuan(b.in_approval + b.in_transit) as in_flight,
    yuan(b.paid) as paid,
    yuan(b.recovered) as recovered,
    a.events
from page as a
join project as p on p.fund = a.fund and p.project = a.project
cross join lateral (
    select
        coalesce(sum(committed), 0) as committed, coalesce(sum(payable), 0) as payable,
        coalesce(sum(in_approval), 0) as in_approval, coalesce(sum(in_transit), 0) as in_transit,
        coalesce(sum(paid), 0) as paid, coalesce(sum(recovered), 0) as recovered
    from balance as b
    where b.fund = a.fund and b.project = a.project and b.award = a.award
) as b
order by a.events[1], a.award
