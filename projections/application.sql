-- application: received, screened, scored by the review in force, withdrawn, excluded, awarded. Each one that is touched
-- is told anew from all its events that stand; an entry that was reversed, and its reversal, count as if neither were.
with span as (
    select e.position, e.stream, e.version, e.type, e.fact, undone.type as undone, undone.version as undone_version,
        undone.fact as undone_fact
    from event as e
    left join event as undone
        on e.type = 'EntryReversed' and undone.stream = e.stream and undone.version = (e.fact ->> 'version')::bigint
    where
        e.position > %(after)s
        and e.position <= %(upto)s
        and e.type in (
            'ApplicationReceived', 'ApplicationWithdrawn', 'ApplicationScreened', 'ReviewConcluded', 'ObjectionResolved',
            'AwardListDecided', 'EntryReversed'
        )
), reviewed as (
    -- The review that a review, a voiding objection or the reversal of either is about: it names its applications.
    select s.position, s.stream, review.fact -> 'scores' as scores
    from span as s
    join event as review on review.stream = s.stream and review.version = case
        when s.type = 'ReviewConcluded' then s.version
        when s.undone = 'ReviewConcluded' then s.undone_version
        else coalesce(s.fact ->> 'voids', s.undone_fact ->> 'voids')::bigint
    end
), touch as (
    select stream, fact ->> 'application' as application, position from span where fact ? 'application'
    union
    select stream, score ->> 'application', position
    from reviewed
    cross join lateral jsonb_array_elements(scores) as s (score)
    union
    select stream, award ->> 'application', position
    from span
    cross join lateral jsonb_array_elements(fact -> 'awards') as a (award)
    where type = 'AwardListDecided'
    union
    select stream, restored ->> 'name', position
    from span
    cross join lateral jsonb_array_elements(fact -> 'restored') as r (restored)
    where type = 'EntryReversed' and restored ->> 'kind' = 'application'
), touched as (
    select t.stream, substr(t.stream, length('project/') + 1) as project, t.application,
        array_agg(t.position order by t.position) as positions
    from touch as t
    group by t.stream, t.application
), listed as (
    select t.project, t.application, coalesce(a.events, '{}') || t.positions as events
    from touched as t
    left join application as a using (project, application)
), history as (
    select l.project, l.application, e.position, e.version, e.type, e.fact
    from listed as l
    cross join lateral unnest(l.events) as h (position)
    join event as e on e.position = h.position
), step as (
    select h.*, score.score
    from history as h
    left join history as undoing
        on undoing.type = 'EntryReversed'
        and undoing.project = h.project
        and undoing.application = h.application
        and (undoing.fact ->> 'version')::bigint = h.version
    left join lateral (
        select s.score ->> 'score' as score
        from jsonb_array_elements(h.fact -> 'scores') as s (score)
        where h.type = 'ReviewConcluded' and s.score ->> 'application' = h.application
    ) as score on true
    where h.type <> 'EntryReversed' and undoing.position is null
), received as (
    select distinct on (project, application) project, application, fact
    from history
    where type = 'ApplicationReceived'
    order by project, application, position desc
), told as (
    select
        project,
        application,
        bool_or(type = 'ApplicationReceived') as stands,
        bool_or(type = 'ApplicationWithdrawn') as withdrawn,
        bool_or(type = 'ObjectionResolved' and (fact ->> 'upheld')::boolean and fact ? 'application') as excluded,
        bool_or(type = 'AwardListDecided') as awarded,
        (array_agg(fact ->> 'passed' order by position desc) filter (where type = 'ApplicationScreened'))[1] as passed,
        (array_agg(score order by position desc) filter (where type = 'ReviewConcluded' or fact ? 'voids'))[1] as score
    from step
    group by project, application
)
insert into application (
    project, application, fund, round, applicant, uscc, received_on, status, screened, score, events
)
select
    l.project,
    l.application,
    r.fact ->> 'fund',
    (r.fact ->> 'round')::integer,
    r.fact #>> '{applicant,name}',
    r.fact #>> '{applicant,uscc}',
    (r.fact ->> 'occurred_on')::date,
    case
        when t.stands is not true then 'reversed'
        when t.withdrawn then 'withdrawn'
        when t.excluded then 'excluded'
        when t.awarded then 'awarded'
        else 'live'
    end,
    case t.passed when 'true' then 'passed' when 'false' then 'failed' else 'pending' end,
    t.score,
    l.events
from listed as l
join received as r using (project, application)
left join told as t using (project, application)
on conflict (project, application) do update set
    fund = excluded.fund,
    round = excluded.round,
    applicant = excluded.applicant,
    uscc = excluded.uscc,
    received_on = excluded.received_on,
    status = excluded.status,
    screened = excluded.screened,
    score = excluded.score,
    events = excluded.events
