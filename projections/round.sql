-- round: called, extended, closed, reviewed, noticed, decided or failed, and the amounts that its notices showed. The
-- row of each round touched in the span is derived again from all its events, without the reversed ones. An event that
-- does not name its round belongs to the last round whose first event is not reversed: its call or, of a list, its
-- first notice.
with span as (
    select
        e.stream,
        substr(e.stream, length('project/') + 1) as project,
        e.position,
        e.version,
        e.type,
        case
            when e.type = 'CallPublished' or (e.fact ->> 'opens_round')::boolean then (e.fact ->> 'round')::integer
            when undone.type = 'CallPublished' or (undone.fact ->> 'opens_round')::boolean
                then (undone.fact ->> 'round')::integer - 1
        end as current,
        case when e.type like 'Call%%' or e.type = 'NoticeStarted' then e.fact ->> 'round' end as named
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
            or (e.type = 'ObjectionResolved' and e.fact ?| array['voids', 'voids_notice'])
            or (e.type = 'EntryReversed' and e.fact ->> 'entry' in ('CallPublished', 'NoticeStarted'))
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
    -- `shows`: what the notices showed may be different after it.
    select project, round, position,
        type in ('ReviewConcluded', 'NoticeStarted', 'NoticeCompleted', 'ObjectionResolved') as shows
    from numbered
    where type <> 'EntryReversed'
    union
    select substr(stream, length('project/') + 1), restored ->> 'name', position, true
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
        t.shows,
        case when not t.shows then (
            select r.shown from round as r where r.project = t.project and r.round = t.round
        ) end as shown,
        coalesce(
            (select r.events from round as r where r.project = t.project and r.round = t.round), '{}'
        ) || t.positions as events
    from (
        select project, round, bool_or(shows) as shows, array_agg(position order by position) as positions
        from touch
        group by project, round
    ) as t
), history as materialized (
    select l.project, l.round, l.shows, e.position, e.version, e.type, e.fact
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
    where type = 'CallPublished' or (fact ->> 'opens_round')::boolean
    order by project, round, stands desc, position desc
), told as materialized (
    select
        project,
        round,
        (array_agg(fact ->> 'closes_on' order by position desc) filter (where type = 'CallExtended'))[1] as extended_to,
        (array_agg(fact ->> 'occurred_on' order by position desc) filter (where type = 'CallClosed'))[1] as closed_on,
        bool_or(type = 'CallFailed') as failed,
        bool_or(type = 'AwardListDecided') as decided,
        max(position) filter (
            where type = 'ReviewConcluded' or (type = 'ObjectionResolved' and fact ? 'voids')
        ) as selected,
        max(position) filter (where type = 'ReviewConcluded') as reviewed,
        max(position) filter (where type = 'NoticeStarted') as noticed,
        max(position) filter (where type = 'NoticeCompleted') as completed
    from step
    where stands
    group by project, round
), noticing as materialized (
    select
        project, round, position, version, type, fact,
        lead(type) over (partition by project, round order by position) as next_type,
        max(position) filter (where type = 'ReviewConcluded') over (partition by project, round) as reviewed
    from step
    where
        stands
        and shows
        and (
            type in ('ReviewConcluded', 'NoticeStarted', 'NoticeCompleted')
            or (type = 'ObjectionResolved' and fact ? 'voids')
        )
), void as materialized (
    -- An upheld objection to a whole notice voids the one that ran when it was received, and what earlier ones showed
    -- for its applications. One to a supplementary notice voids what this notice showed, for one application or all.
    select v.project, v.round, v.position, null::bigint as notice, listed_in(notice.fact) as applications
    from noticing as v
    cross join lateral (
        select e.version, (e.fact ->> 'occurred_on')::date as received_on
        from event as e
        where
            e.stream = 'project/' || v.project
            and e.version < v.version
            and e.type = 'ObjectionReceived'
            and e.fact ->> 'objection' = v.fact ->> 'objection'
        order by e.version desc
        limit 1
    ) as received
    cross join lateral (
        select n.fact
        from noticing as n
        where
            n.project = v.project
            and n.round = v.round
            and n.type = 'NoticeStarted'
            and n.version < received.version
            and received.received_on between (n.fact ->> 'first_day')::date and (n.fact ->> 'last_day')::date
        order by n.version desc
        limit 1
    ) as notice
    where v.type = 'ObjectionResolved'
    union all
    select project, round, position, (fact ->> 'voids_notice')::bigint,
        case
            when fact ? 'application'
                then jsonb_build_array(jsonb_build_object('application', fact -> 'application'))
        end
    from step
    where stands and shows and type = 'ObjectionResolved' and fact ? 'voids_notice'
), shown as materialized (
    -- By application, the amount of the last completed notice since the review that is not void.
    select n.project, n.round, jsonb_object_agg(l.row ->> 'application', l.row ->> 'amount' order by n.position) as amounts
    from noticing as n
    cross join lateral jsonb_array_elements(listed_in(n.fact)) as l (row)
    where
        n.type = 'NoticeStarted'
        and n.next_type = 'NoticeCompleted'
        and n.position > coalesce(n.reviewed, 0)
        and not exists (
            select from void as v
            where
                v.project = n.project
                and v.round = n.round
                and v.position > n.position
                and coalesce(v.notice, n.version) = n.version
                and (
                    v.applications is null
                    or v.applications @> jsonb_build_array(jsonb_build_object('application', l.row ->> 'application'))
                )
        )
    group by n.project, n.round
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
    project, round, fund, selection, opens_on, closes_on, closed_on, reviewed_on, notice_from, notice_to,
    notice_completed_on, status, shown, events
)
select
    l.project,
    l.round,
    p.fact ->> 'fund',
    case when p.fact ? 'entries' then 'list' else 'open_call' end,
    coalesce(p.fact ->> 'opens_on', p.fact ->> 'occurred_on')::date,
    coalesce(d.extended_to, p.fact ->> 'closes_on', p.fact ->> 'occurred_on')::date,
    case when p.fact ? 'entries' then (p.fact ->> 'occurred_on')::date else d.closed_on::date end,
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
    coalesce(s.amounts, l.shown),
    l.events
from listed as l
join published as p using (project, round)
left join dated as d using (project, round)
left join shown as s using (project, round)
on conflict (project, round) do update set
    selection = excluded.selection,
    opens_on = excluded.opens_on,
    closes_on = excluded.closes_on,
    closed_on = excluded.closed_on,
    reviewed_on = excluded.reviewed_on,
    notice_from = excluded.notice_from,
    notice_to = excluded.notice_to,
    notice_completed_on = excluded.notice_completed_on,
    status = excluded.status,
    shown = excluded.shown,
    events = excluded.events
