-- award: the rows of each award list, and the steps of each award's agreement, acceptance and end. Each one that is touched
-- is told anew from all its events that stand; an entry that was reversed, and its reversal, count as if neither were.
with span as (
    select position, stream, version, type, fact
    from event
    where
        position > %(after)s
        and position <= %(upto)s
        and type in (
            'AwardListDecided', 'AwardAmended', 'AgreementSigned', 'ExtensionGranted', 'PayeeChanged', 'AwardDeclined',
            'AwardRevoked', 'AwardTerminated', 'AcceptanceRequested', 'AcceptancePassed', 'AcceptanceFailed',
            'RectificationOrdered', 'EntryReversed'
        )
), touch as (
    select stream, fact ->> 'award' as award, position from span where fact ? 'award'
    union
    select stream, a.award ->> 'award', position
    from span
    cross join lateral jsonb_array_elements(fact -> 'awards') as a (award)
    where type = 'AwardListDecided'
    union
    select stream, restored ->> 'name', position
    from span
    cross join lateral jsonb_array_elements(fact -> 'restored') as r (restored)
    where type = 'EntryReversed' and restored ->> 'kind' = 'award'
), touched as (
    select substr(stream, length('project/') + 1) as project, award, array_agg(position order by position) as positions
    from touch
    group by stream, award
), listed as (
    select t.project, t.award, coalesce(a.events, '{}') || t.positions as events
    from touched as t
    left join award as a using (project, award)
), history as (
    select l.project, l.award, e.position, e.version, e.type, e.fact
    from listed as l
    cross join lateral unnest(l.events) as h (position)
    join event as e on e.position = h.position
), step as (
    select h.*, undoing.position is null as stands
    from history as h
    left join history as undoing
        on undoing.type = 'EntryReversed'
        and undoing.project = h.project
        and undoing.award = h.award
        and (undoing.fact ->> 'version')::bigint = h.version
    where h.type <> 'EntryReversed'
), decided as (
    select distinct on (s.project, s.award) s.project, s.award, s.stands, s.fact, a.award as row
    from step as s
    cross join lateral jsonb_array_elements(s.fact -> 'awards') as a (award)
    where s.type = 'AwardListDecided' and a.award ->> 'award' = s.award
    order by s.project, s.award, s.stands desc, s.position desc
), told as (
    select
        project,
        award,
        (array_agg(type order by position desc) filter (
            where type in ('AwardDeclined', 'AwardRevoked', 'AwardTerminated')
        ))[1] as ending,
        (array_agg(fact -> 'new' order by position desc) filter (where type = 'PayeeChanged'))[1] as payee,
        (array_agg(fact ->> 'ends_on' order by position desc) filter (where fact ? 'ends_on'))[1] as ends_on,
        (array_agg(type order by position desc) filter (where type like 'Acceptance%%' or type = 'RectificationOrdered'))[1]
            as acceptance,
        (array_agg(fact ->> 'due_on' order by position desc) filter (where fact ? 'due_on'))[1] as rectify_by
    from step
    where stands
    group by project, award
)
insert into award (
    project, award, fund, application, applicant, uscc, payee, payee_uscc, payee_account, score, rank, decided_on,
    status, ends_on, acceptance, rectify_by, events
)
select
    l.project,
    l.award,
    d.fact ->> 'fund',
    d.row ->> 'application',
    applied.applicant,
    applied.uscc,
    coalesce(t.payee, d.row -> 'payee') ->> 'name',
    coalesce(t.payee, d.row -> 'payee') ->> 'uscc',
    coalesce(t.payee, d.row -> 'payee') #>> '{account,last4}',
    d.row ->> 'score',
    (d.row ->> 'rank')::integer,
    (d.fact ->> 'occurred_on')::date,
    case
        when not d.stands then 'reversed'
        when t.ending is null then 'live'
        else lower(substr(t.ending, length('Award') + 1))
    end,
    t.ends_on::date,
    case t.acceptance
        when 'AcceptanceRequested' then 'requested'
        when 'AcceptancePassed' then 'passed'
        when 'AcceptanceFailed' then 'failed'
        when 'RectificationOrdered' then 'rectifying'
        else 'none'
    end,
    case t.acceptance when 'RectificationOrdered' then t.rectify_by::date end,
    l.events
from listed as l
join decided as d using (project, award)
join application as applied on applied.project = l.project and applied.application = d.row ->> 'application'
left join told as t on t.project = l.project and t.award = l.award
on conflict (project, award) do update set
    application = excluded.application,
    applicant = excluded.applicant,
    uscc = excluded.uscc,
    payee = excluded.payee,
    payee_uscc = excluded.payee_uscc,
    payee_account = excluded.payee_account,
    score = excluded.score,
    rank = excluded.rank,
    decided_on = excluded.decided_on,
    status = excluded.status,
    ends_on = excluded.ends_on,
    acceptance = excluded.acceptance,
    rectify_by = excluded.rectify_by,
    events = excluded.events
