-- award: the rows of each award list, and the steps of each award's agreement and acceptance.
with step as (
    select
        substr(e.stream, length('project/') + 1) as project,
        e.fact ->> 'award' as award,
        e.position,
        case e.type
            when 'AcceptanceRequested' then 'requested'
            when 'AcceptancePassed' then 'passed'
            when 'AcceptanceFailed' then 'failed'
            when 'RectificationOrdered' then 'rectifying'
        end as acceptance,
        (e.fact ->> 'due_on')::date as rectify_by
    from event as e
    where
        e.position > %(after)s
        and e.position <= %(upto)s
        and e.type in (
            'AgreementSigned', 'AcceptanceRequested', 'AcceptancePassed', 'AcceptanceFailed', 'RectificationOrdered'
        )
), stepped as (
    select
        project,
        award,
        (array_agg(acceptance order by position desc) filter (where acceptance is not null))[1] as acceptance,
        (array_agg(rectify_by order by position desc) filter (where acceptance is not null))[1] as rectify_by,
        array_agg(position order by position) as events
    from step
    group by project, award
), decided as (
    select
        substr(e.stream, length('project/') + 1) as project,
        a.award ->> 'award' as award,
        e.fact ->> 'fund' as fund,
        a.award ->> 'application' as application,
        applied.applicant,
        applied.uscc,
        a.award #>> '{payee,name}' as payee,
        a.award #>> '{payee,uscc}' as payee_uscc,
        a.award #>> '{payee,account,last4}' as payee_account,
        a.award ->> 'score' as score,
        (a.award ->> 'rank')::integer as rank,
        (e.fact ->> 'occurred_on')::date as decided_on,
        'none' as acceptance,
        null::date as rectify_by,
        array[e.position] as events
    from event as e
    cross join lateral jsonb_array_elements(e.fact -> 'awards') as a (award)
    join application as applied
        on applied.project = substr(e.stream, length('project/') + 1)
        and applied.application = a.award ->> 'application'
    where e.position > %(after)s and e.position <= %(upto)s and e.type = 'AwardListDecided'
), known as (
    select * from decided
    union all
    select
        project, award, fund, application, applicant, uscc, payee, payee_uscc, payee_account, score, rank, decided_on,
        acceptance, rectify_by, events
    from award
    where (project, award) in (select project, award from stepped)
)
insert into award (
    project, award, fund, application, applicant, uscc, payee, payee_uscc, payee_account, score, rank, decided_on,
    acceptance, rectify_by, events
)
select
    project, award, fund, application, applicant, uscc, payee, payee_uscc, payee_account, score, rank, decided_on,
    coalesce(s.acceptance, k.acceptance),
    case when s.acceptance is null then k.rectify_by else s.rectify_by end,
    k.events || coalesce(s.events, '{}')
from known as k
left join stepped as s using (project, award)
on conflict (project, award) do update set
    acceptance = excluded.acceptance,
    rectify_by = excluded.rectify_by,
    events = excluded.events
