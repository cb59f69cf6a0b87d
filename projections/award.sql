-- award: the rows of each award list, and the steps of each award's agreement, acceptance and end. The row of each
-- award touched in the span is derived again from all its events; reversed entries and reversals are ignored.
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
    union
    select stream, move ->> 'award', position
    from span
    cross join lateral jsonb_array_elements(fact -> 'moves') as m (move)
    where type = 'EntryReversed' and fact ->> 'entry' = 'AwardAmended'
), touched as materialized (
    select substr(stream, length('project/') + 1) as project, award, array_agg(position order by position) as positions
    from touch
    group by stream, award
), listed as materialized (
    -- One index lookup per award: a join would be planned as a scan of the whole table, which grows.
    select
        t.project,
        t.award,
        coalesce(
            (select a.events from award as a where a.project = t.project and a.award = t.award), '{}'
        ) || t.positions as events
    from touched as t
), history as materialized (
    -- Without the facts of award lists: each list is read once below, not once per award on it.
    select l.project, l.award, e.position, e.version, e.type,
        case when e.type not in ('AwardListDecided', 'EntryReversed') then e.fact end as fact
    from listed as l
    cross join lateral unnest(l.events) as h (position)
    join event as e on e.position = h.position
), undoing as materialized (
    select r.position, (select (e.fact ->> 'version')::bigint from event as e where e.position = r.position) as version
    from (select distinct position from history where type = 'EntryReversed') as r
), undone as materialized (
    select h.project, h.award, u.version
    from history as h
    join undoing as u on u.position = h.position
    where h.type = 'EntryReversed'
), step as materialized (
    select h.*, undone.version is null as stands
    from history as h
    left join undone on undone.project = h.project and undone.award = h.award and undone.version = h.version
    where h.type <> 'EntryReversed'
), list as materialized (
    select l.position, l.project, e.fact ->> 'fund' as fund, (e.fact ->> 'occurred_on')::date as decided_on,
        e.fact -> 'awards' as awards
    from (select distinct project, position from history where type = 'AwardListDecided') as l
    join event as e on e.position = l.position
), row as materialized (
    select l.position, l.project, a.award ->> 'award' as award, a.award as row, l.fund, l.decided_on
    from list as l
    cross join lateral jsonb_array_elements(l.awards) as a (award)
), decided as materialized (
    select distinct on (s.project, s.award) s.project, s.award, s.stands, s.position, r.row, r.fund, r.decided_on
    from step as s
    join row as r on r.position = s.position and r.project = s.project and r.award = s.award
    where s.type = 'AwardListDecided'
    order by s.project, s.award, s.stands desc, s.position desc
), told as materialized (
    select
        project,
        award,
        (array_agg(type order by position desc) filter (
            where type in ('AwardDeclined', 'AwardRevoked', 'AwardTerminated')
        ))[1] as ending,
        (array_agg(fact -> 'new' order by position desc) filter (where type = 'PayeeChanged'))[1] as payee,
        (array_agg(fact ->> 'ends_on' order by position desc) filter (where fact ? 'ends_on'))[1] as ends_on,
        checkpoints_after(
            jsonb_agg(jsonb_build_object('type', type, 'fact', fact) order by position) filter (
                where is_at_checkpoint(type, fact)
            )
        ) as checkpoints
    from step
    where stands
    group by project, award
)
insert into award (
    project, award, fund, application, round, applicant, uscc, identity, applied, payee, payee_uscc, payee_identity,
    payee_account, payee_digest, score, rank, decided_on, decided, status, ends_on, acceptance, rectify_by, checkpoints,
    decided_position, events
)
select
    l.project,
    l.award,
    d.fund,
    d.row ->> 'application',
    applied.round,
    applied.applicant,
    applied.uscc,
    applied.identity,
    applied.amount,
    coalesce(t.payee, d.row -> 'payee') ->> 'name',
    coalesce(coalesce(t.payee, d.row -> 'payee') ->> 'uscc', ''),
    identity_of(coalesce(t.payee, d.row -> 'payee')),
    coalesce(t.payee, d.row -> 'payee') #>> '{account,last4}',
    coalesce(t.payee, d.row -> 'payee') #>> '{account,digest}',
    coalesce(d.row ->> 'score', ''),
    (d.row ->> 'rank')::integer,
    d.decided_on,
    case
        when d.stands
            then (select sum(fen(share ->> 'amount')) from jsonb_array_elements(d.row -> 'amounts') as s (share))
        else 0
    end,
    case
        when not d.stands then 'reversed'
        when t.ending is null then 'live'
        else lower(substr(t.ending, length('Award') + 1))
    end,
    t.ends_on::date,
    coalesce(t.checkpoints #>> '{acceptance,status}', 'none'),
    (t.checkpoints #>> '{acceptance,rectify_by}')::date,
    coalesce(t.checkpoints, '{}'),
    l.events[1],
    l.events
from listed as l
join decided as d using (project, award)
join application as applied on applied.project = l.project and applied.application = d.row ->> 'application'
left join told as t on t.project = l.project and t.award = l.award
on conflict (project, award) do update set
    application = excluded.application,
    round = excluded.round,
    applicant = excluded.applicant,
    uscc = excluded.uscc,
    applied = excluded.applied,
    identity = excluded.identity,
    payee = excluded.payee,
    payee_uscc = excluded.payee_uscc,
    payee_identity = excluded.payee_identity,
    payee_account = excluded.payee_account,
    payee_digest = excluded.payee_digest,
    score = excluded.score,
    rank = excluded.rank,
    decided_on = excluded.decided_on,
    decided = excluded.decided,
    status = excluded.status,
    ends_on = excluded.ends_on,
    acceptance = excluded.acceptance,
    rectify_by = excluded.rectify_by,
    checkpoints = excluded.checkpoints,
    events = excluded.events
