-- application: what was applied for; received, screened, scored by the review in force, withdrawn, excluded, awarded.
-- An entry of a list stands for an application that is received with its notice and has passed the screening. The row
-- of each application touched in the span is derived again from all its events; reversed entries and reversals are
-- ignored.
with span as (
    select e.position, e.stream, e.version, e.type, e.fact, undone.type as undone, undone.version as undone_version,
        undone.fact as undone_fact
    from event as e
    left join event as undone
        on e.type = 'EntryReversed' and undone.stream = e.stream and undone.version = (e.fact ->> 'version')::bigint
    where
        e.position > %(after)s
        and e.position <= %(upto)s
        and (
            e.type in (
                'ApplicationReceived', 'ApplicationWithdrawn', 'ApplicationScreened', 'ReviewConcluded',
                'ObjectionResolved', 'AwardListDecided'
            )
            or (e.type = 'NoticeStarted' and e.fact ? 'entries')
            or (e.type = 'EntryReversed' and e.fact ->> 'entry' is distinct from 'RecipientRenamed')
        )
), reviewed as materialized (
    -- The review that each event, or the entry it reverses, concludes or voids: it lists the applications touched.
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
    select stream, entry ->> 'application', position
    from span
    cross join lateral jsonb_array_elements(fact -> 'entries') as n (entry)
    where type = 'NoticeStarted'
    union
    select stream, restored ->> 'name', position
    from span
    cross join lateral jsonb_array_elements(fact -> 'restored') as r (restored)
    where type = 'EntryReversed' and restored ->> 'kind' = 'application'
), touched as materialized (
    select t.stream, substr(t.stream, length('project/') + 1) as project, t.application,
        array_agg(t.position order by t.position) as positions
    from touch as t
    group by t.stream, t.application
), listed as materialized (
    -- One index lookup per application: a join would be planned as a scan of the whole table, which grows.
    select
        t.project,
        t.application,
        coalesce(
            (select a.events from application as a where a.project = t.project and a.application = t.application), '{}'
        ) || t.positions as events
    from touched as t
), history as materialized (
    -- Without the facts that list many applications: each is read once below, not once per application listed.
    select l.project, l.application, e.position, e.version, e.type,
        case
            when e.type not in ('ReviewConcluded', 'NoticeStarted', 'AwardListDecided', 'EntryReversed') then e.fact
        end as fact
    from listed as l
    cross join lateral unnest(l.events) as h (position)
    join event as e on e.position = h.position
), undoing as materialized (
    select r.position, (select (e.fact ->> 'version')::bigint from event as e where e.position = r.position) as version
    from (select distinct position from history where type = 'EntryReversed') as r
), undone as materialized (
    select h.project, h.application, u.version
    from history as h
    join undoing as u on u.position = h.position
    where h.type = 'EntryReversed'
), scored as materialized (
    select r.position, r.project, s.score ->> 'application' as application, s.score ->> 'score' as score
    from (select distinct project, position from history where type = 'ReviewConcluded') as r
    cross join lateral jsonb_array_elements(
        (select e.fact -> 'scores' from event as e where e.position = r.position)
    ) as s (score)
), step as materialized (
    select h.*, scored.score
    from history as h
    left join undone on undone.project = h.project and undone.application = h.application and undone.version = h.version
    left join scored
        on scored.position = h.position and scored.project = h.project and scored.application = h.application
    where h.type <> 'EntryReversed' and undone.version is null
), notice as materialized (
    select n.position, n.project, (select e.fact from event as e where e.position = n.position) as fact
    from (select distinct project, position from history where type = 'NoticeStarted') as n
), received as materialized (
    select distinct on (project, application) project, application, fact
    from (
        select project, application, position, fact from history where type = 'ApplicationReceived'
        union all
        select
            n.project,
            l.entry ->> 'application',
            n.position,
            jsonb_build_object(
                'fund', n.fact -> 'fund', 'round', n.fact -> 'round', 'occurred_on', n.fact -> 'occurred_on',
                'applicant', l.entry -> 'recipient', 'rewarded_for', l.entry -> 'rewarded_for',
                'grounds', l.entry -> 'grounds'
            )
        from notice as n
        cross join lateral jsonb_array_elements(n.fact -> 'entries') as l (entry)
    ) as received
    order by project, application, position desc
), told as materialized (
    select
        project,
        application,
        bool_or(type in ('ApplicationReceived', 'NoticeStarted')) as stands,
        bool_or(type = 'ApplicationWithdrawn') as withdrawn,
        bool_or(type = 'ObjectionResolved' and (fact ->> 'upheld')::boolean and fact ? 'application' and not fact ? 'voids_notice')
            as excluded,
        bool_or(type = 'AwardListDecided') as awarded,
        (array_agg(fact ->> 'passed' order by position desc) filter (where type = 'ApplicationScreened'))[1] as passed,
        bool_or(type = 'NoticeStarted') as is_entry,
        (array_agg(score order by position desc) filter (where type = 'ReviewConcluded' or fact ? 'voids'))[1] as score
    from step
    group by project, application
)
insert into application (
    project, application, fund, round, number, applicant, uscc, identity, amount, title, place, starts_on, ends_on,
    rewarded_for, grounds, received_on, status, screened, score, excluded, received_position, events
)
select
    l.project,
    l.application,
    r.fact ->> 'fund',
    (r.fact ->> 'round')::integer,
    jsonb_path_query_first(r.fact, '$.documents[*] ? (@.kind == "受理号").number') #>> '{}',
    r.fact #>> '{applicant,name}',
    coalesce(r.fact #>> '{applicant,uscc}', ''),
    identity_of(r.fact -> 'applicant'),
    fen(r.fact ->> 'amount'),
    r.fact ->> 'title',
    r.fact ->> 'place',
    (r.fact ->> 'starts_on')::date,
    (r.fact ->> 'ends_on')::date,
    r.fact ->> 'rewarded_for',
    r.fact ->> 'grounds',
    (r.fact ->> 'occurred_on')::date,
    case
        when t.stands is not true then 'reversed'
        when t.withdrawn then 'withdrawn'
        when t.excluded then 'excluded'
        when t.awarded then 'awarded'
        else 'live'
    end,
    case when t.is_entry or t.passed = 'true' then 'passed' when t.passed = 'false' then 'failed' else 'pending' end,
    t.score,
    coalesce(t.excluded, false),
    l.events[1],
    l.events
from listed as l
join received as r using (project, application)
left join told as t using (project, application)
on conflict (project, application) do update set
    fund = excluded.fund,
    round = excluded.round,
    number = excluded.number,
    applicant = excluded.applicant,
    uscc = excluded.uscc,
    amount = excluded.amount,
    title = excluded.title,
    place = excluded.place,
    starts_on = excluded.starts_on,
    ends_on = excluded.ends_on,
    rewarded_for = excluded.rewarded_for,
    grounds = excluded.grounds,
    identity = excluded.identity,
    received_on = excluded.received_on,
    status = excluded.status,
    screened = excluded.screened,
    score = excluded.score,
    excluded = excluded.excluded,
    events = excluded.events
