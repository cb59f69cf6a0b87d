-- objection: received and resolved. The row of each objection touched in the span is derived again from
-- all its events, without the reversed ones.
with touch as (
    select stream, fact ->> 'objection' as objection, position
    from event
    where
        position > %(after)s
        and position <= %(upto)s
        and type in ('ObjectionReceived', 'ObjectionResolved')
    union all
    select stream, restored ->> 'name', position
    from event
    cross join lateral jsonb_array_elements(fact -> 'restored') as r (restored)
    where
        position > %(after)s
        and position <= %(upto)s
        and type = 'EntryReversed'
        and restored ->> 'kind' = 'objection'
), listed as materialized (
    -- One index lookup per objection: a join would be planned as a scan of the whole table.
    select
        t.project,
        t.objection,
        coalesce(
            (select o.events from objection as o where o.project = t.project and o.objection = t.objection), '{}'
        ) || t.positions as events
    from (
        select substr(stream, length('project/') + 1) as project, objection,
            array_agg(position order by position) as positions
        from touch
        group by stream, objection
    ) as t
), history as materialized (
    select l.project, l.objection, e.position, e.version, e.type, e.fact
    from listed as l
    cross join lateral unnest(l.events) as h (position)
    join event as e on e.position = h.position
), step as materialized (
    select h.*, undoing.position is null as stands
    from history as h
    left join history as undoing
        on undoing.type = 'EntryReversed'
        and undoing.project = h.project
        and undoing.objection = h.objection
        and (undoing.fact ->> 'version')::bigint = h.version
), received as materialized (
    select distinct on (project, objection) project, objection, fact, stands
    from step
    where type = 'ObjectionReceived'
    order by project, objection, stands desc, position desc
), resolved as materialized (
    select distinct on (project, objection) project, objection, fact
    from step
    where type = 'ObjectionResolved' and stands
    order by project, objection, position desc
)
insert into objection (project, objection, fund, application, reason, received_on, status, resolved_on, events)
select
    l.project,
    l.objection,
    r.fact ->> 'fund',
    r.fact ->> 'application',
    r.fact ->> 'reason',
    (r.fact ->> 'occurred_on')::date,
    case
        when not r.stands then 'reversed'
        when d.fact is null then 'open'
        when (d.fact ->> 'upheld')::boolean then 'upheld'
        else 'rejected'
    end,
    (d.fact ->> 'occurred_on')::date,
    l.events
from listed as l
join received as r using (project, objection)
left join resolved as d using (project, objection)
on conflict (project, objection) do update set
    application = excluded.application,
    reason = excluded.reason,
    received_on = excluded.received_on,
    status = excluded.status,
    resolved_on = excluded.resolved_on,
    events = excluded.events
