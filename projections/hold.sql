-- hold: each hold, and whether it was released. The row of each hold touched in the span is derived again from all its
-- events; reversed entries and reversals are ignored.
with touch as (
    select stream, fact ->> 'hold' as hold, position
    from event
    where position > %(after)s and position <= %(upto)s and type in ('FundsHeld', 'HoldReleased')
    union all
    select stream, restored ->> 'name', position
    from event
    cross join lateral jsonb_array_elements(fact -> 'restored') as r (restored)
    where
        position > %(after)s
        and position <= %(upto)s
        and type = 'EntryReversed'
        and restored ->> 'kind' = 'hold'
), listed as materialized (
    select
        t.project,
        t.hold,
        coalesce((select h.events from hold as h where h.project = t.project and h.hold = t.hold), '{}')
        || t.positions as events
    from (
        select substr(stream, length('project/') + 1) as project, hold,
            array_agg(position order by position) as positions
        from touch
        group by stream, hold
    ) as t
), history as materialized (
    select l.project, l.hold, e.position, e.version, e.type, e.fact
    from listed as l
    cross join lateral unnest(l.events) as h (position)
    join event as e on e.position = h.position
), step as materialized (
    select h.*, undoing.position is null as stands
    from history as h
    left join history as undoing
        on undoing.type = 'EntryReversed'
        and undoing.project = h.project
        and undoing.hold = h.hold
        and (undoing.fact ->> 'version')::bigint = h.version
), held as materialized (
    select distinct on (project, hold) project, hold, fact, stands
    from step
    where type = 'FundsHeld'
    order by project, hold, stands desc, position desc
), released as materialized (
    select project, hold, max((fact ->> 'occurred_on')::date) as released_on
    from step
    where type = 'HoldReleased' and stands
    group by project, hold
)
insert into hold (
    project, hold, fund, award, amount, until, authority, reason, held_on, held_by, released_on, status, events
)
select
    l.project,
    l.hold,
    h.fact ->> 'fund',
    h.fact ->> 'award',
    fen(h.fact ->> 'amount'),
    (h.fact ->> 'until')::date,
    h.fact ->> 'authority',
    h.fact ->> 'reason',
    (h.fact ->> 'occurred_on')::date,
    h.fact ->> 'actor',
    r.released_on,
    case when not h.stands then 'reversed' when r.released_on is not null then 'released' else 'held' end,
    l.events
from listed as l
join held as h using (project, hold)
left join released as r using (project, hold)
on conflict (project, hold) do update set
    award = excluded.award,
    amount = excluded.amount,
    until = excluded.until,
    authority = excluded.authority,
    reason = excluded.reason,
    held_on = excluded.held_on,
    held_by = excluded.held_by,
    released_on = excluded.released_on,
    status = excluded.status,
    events = excluded.events
