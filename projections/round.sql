-- round: called, extended, closed, reviewed, noticed, decided or failed. The row of each round touched in the span is
-- derived again from all its events, without the reversed ones. An event that does not name its round belongs to the
-- last round whose call is not reversed.
with span as (
    select
        e.stream,
        substr(e.stream, length('project/') + 1) as project,
        e.position,
        e.version,
        e.type,
        case
            when e.type = 'CallPublished' then (e.fact ->> 'round')::integer
            when e.fact ->> 'entry' = 'CallPublished' then (undone.fact ->> 'round')::integer - 1
        end as current,
        case when e.type like 'Call%%' then e.fact ->> 'round' end as named
    from event as e
    left join event as undone
        on e.type = 'EntryReversed' and undone.stream = e.stream and undone.version = (e.fact ->> 'version')::bigint
    where
        e.position > %(after)s
        and e.position <= %(upto)s
        and (
            e.type in (
                'CallPublished', 'CallExtended', 'CallClosed', 'CallFailed', 'ReviewConcluded', 'NoticeStarted',
                'NoticeCompleted', 'AwardListDecided'
            )
            or (e.type = 'ObjectionResolved' and e.fact ? 'voids')
            or (e.type = 'EntryReversed' and e.fact ->> 'entry' = 'CallPublished')
        )
), era as (
    select *, count(current) over (partition by stream order by version) as era from span
), numbered as (
    select
        e.stream,
        e.project,
        e.position,
        coalesce(
            e.named,
            (first_value(e.current) over (partition by e.stream, e.era order by e.version))::text,
            before.round
        ) as round,
        e.type
    from era as e
    left join lateral (
        select max(r.round::integer)::text as round
        from round as r
        where e.era = 0 and e.named is null and r.project = e.project and r.status <> 'reversed'
    ) as before on true
), touch as (
    select project, round, position from numbered where type <> 'EntryReversed'
    union
    select substr(stream, length('project/') + 1), restored ->> 'name', position
    from event
    cross join lateral jsonb_array_elements(fact -> 'restored') as r (restored)
    where
        position > %(after)s
        and position <= %(upto)s
        and type = 'EntryReversed'
        and restored ->> 'kind' = 'round'
), listed as materialized (
    -- One index lookup per round: a join would be planned as a scan of the whole table.
    select
        t.project,
        t.round,
        coalesce(
            (select r.events from round as r where r.project = t.project and r.round = t.round), '{}'
        ) || t.positions as events
    from (
        select project, round, array_agg(position order by position) as positions from touch group by project, round
    ) as t
), history as materialized (
    select l.project, l.round, e.position, e.version, e.type, e.fact
    from listed as l
    cross join lateral unnest(l.events) as h (position)
    join event as e on e.position = h.position
), step as materialized (
    select h.*, undoing.position is null as stands
    from history as h
    left join history as undoing
        on undoing.type = 'EntryReversed'
        and undoing.project = h.project
        and undoing.round = h.round
        and (undoing.fact ->> 'version')::bigint = h.version
    where h.type <> 'EntryReversed'
), published as materialized (
    select distinct on (project, round) project, round, fact, stands
    from step
    where type = 'CallPublished'
    order by project, round, stands desc, position desc
), told as materialized (
    select
        project,
        round,
        (array_agg(fact ->> 'closes_on' order by position desc) filter (where type = 'CallExtended'))[1] as extended_to,
        (array_agg(fact ->> 'occurred_on' order by position desc) filter (where type = 'CallClosed'))[1] as closed_on,
        bool_or(type = 'CallFailed') as failed,
        bool_or(type = 'AwardListDecided') as decided,
        max(position) filter (where type in ('ReviewConcluded', 'ObjectionResolved')) as selected,
        max(position) filter (where type = 'ReviewConcluded') as reviewed,
        max(position) filter (where type = 'NoticeStarted') as noticed,
        max(position) filter (where type = 'NoticeCompleted') as completed
    from step
    where stands
    group by project, round
), dated as materialized (
    select
        t.*,
        (review.fact ->> 'occurred_on')::date as reviewed_on,
        (notice.fact ->> 'first_day')::date as notice_from,
        (notice.fact ->> 'last_day')::date as notice_to,
        (done.fact ->> 'occurred_on')::date as notice_completed_on
    from told as t
    left join event as review on review.position = t.reviewed and t.reviewed = t.selected
    left join event as notice on notice.position = t.noticed and t.noticed > coalesce(t.selected, 0)
    left join event as done on done.position = t.completed and t.completed > notice.position
)
insert into round (
    project, round, fund, opens_on, closes_on, closed_on, reviewed_on, notice_from, notice_to, notice_completed_on,
    status, events
)
select
    l.project,
    l.round,
    p.fact ->> 'fund',
    (p.fact ->> 'opens_on')::date,
    coalesce(d.extended_to, p.fact ->> 'closes_on')::date,
    d.closed_on::date,
    d.reviewed_on,
    d.notice_from,
    d.notice_to,
    d.notice_completed_on,
    case
        when not p.stands then 'reversed'
        when d.failed then 'failed'
        when d.decided then 'decided'
        else 'under_way'
    end,
    l.events
from listed as l
join published as p using (project, round)
left join dated as d using (project, round)
on conflict (project, round) do update set
    opens_on = excluded.opens_on,
    closes_on = excluded.closes_on,
    closed_on = excluded.closed_on,
    reviewed_on = excluded.reviewed_on,
    notice_from = excluded.notice_from,
    notice_to = excluded.notice_to,
    notice_completed_on = excluded.notice_completed_on,
    status = excluded.status,
    events = excluded.events
