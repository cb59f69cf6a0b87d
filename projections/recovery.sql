-- recovery: ordered, received in parts, waived, and lapsed with a waiver. The row of each recovery touched in the span
-- is derived again from all its events, without the reversed ones; the amount received is net of reversals.
with span as (
    select e.position, e.stream, e.version, e.type, e.fact
    from event as e
    where
        e.position > %(after)s
        and e.position <= %(upto)s
        and e.type in (
            'RecoveryOrdered', 'RecoveryReceived', 'RecoveryWaived', 'RecoveryExtended', 'EntryReversed'
        )
), touch as (
    select stream, fact ->> 'recovery' as recovery, position from span where fact ? 'recovery'
    union all
    select stream, restored ->> 'name', position
    from span
    cross join lateral jsonb_array_elements(fact -> 'restored') as r (restored)
    where type = 'EntryReversed' and restored ->> 'kind' in ('recovery', 'recovered')
), listed as materialized (
    -- One index lookup per recovery, here and below: a join would be planned as a scan of the whole table.
    select
        t.project,
        t.recovery,
        coalesce(
            (select o.events from recovery as o where o.project = t.project and o.recovery = t.recovery), '{}'
        ) || t.positions as events
    from (
        select substr(stream, length('project/') + 1) as project, recovery,
            array_agg(position order by position) as positions
        from touch
        group by stream, recovery
    ) as t
), history as materialized (
    select l.project, l.recovery, e.position, e.version, e.type, e.fact
    from listed as l
    cross join lateral unnest(l.events) as h (position)
    join event as e on e.position = h.position
), step as materialized (
    select h.*, undoing.position is null as stands
    from history as h
    left join history as undoing
        on undoing.type = 'EntryReversed'
        and undoing.project = h.project
        and undoing.recovery = h.recovery
        and (undoing.fact ->> 'version')::bigint = h.version
), ordered as materialized (
    select distinct on (project, recovery) project, recovery, fact, stands, position
    from step
    where type = 'RecoveryOrdered'
    order by project, recovery, stands desc, position desc
), money as materialized (
    select
        h.project,
        h.recovery,
        coalesce(sum((
            select sum(case m.type when 'RecoveryReceived' then m.amount else -m.amount end)
            from movement as m
            where m.position = h.position and 'interest' not in (m.source, m.target)
        )), 0) as received,
        coalesce(sum((
            select sum(case m.type when 'RecoveryReceived' then m.amount else -m.amount end)
            from movement as m
            where m.position = h.position and 'interest' in (m.source, m.target)
        )), 0) as interest
    from history as h
    group by h.project, h.recovery
), waived as materialized (
    select project, recovery, sum(fen(fact ->> 'amount')) as amount, sum(fen(fact ->> 'lapsed')) as lapsed,
        sum(fen(fact ->> 'interest')) as interest
    from step
    where type = 'RecoveryWaived' and stands
    group by project, recovery
), extended as materialized (
    select distinct on (project, recovery) project, recovery, fact ->> 'due_on' as due_on
    from step
    where type = 'RecoveryExtended' and stands
    order by project, recovery, position desc
)
insert into recovery (
    project, recovery, fund, payment, ordered_on, due_on, amount, received, waived, lapsed, interest,
    interest_received, interest_waived, status, events
)
select
    l.project,
    l.recovery,
    o.fact ->> 'fund',
    o.fact ->> 'payment',
    (o.fact ->> 'occurred_on')::date,
    coalesce(x.due_on, o.fact ->> 'due_on')::date,
    fen(o.fact ->> 'amount'),
    coalesce(m.received, 0),
    coalesce(w.amount, 0),
    coalesce(w.lapsed, 0),
    coalesce(fen(o.fact ->> 'interest'), 0),
    coalesce(m.interest, 0),
    coalesce(w.interest, 0),
    case when o.stands then 'ordered' else 'reversed' end,
    l.events
from listed as l
join ordered as o using (project, recovery)
left join money as m using (project, recovery)
left join waived as w using (project, recovery)
left join extended as x using (project, recovery)
on conflict (project, recovery) do update set
    payment = excluded.payment,
    ordered_on = excluded.ordered_on,
    due_on = excluded.due_on,
    amount = excluded.amount,
    received = excluded.received,
    waived = excluded.waived,
    lapsed = excluded.lapsed,
    interest = excluded.interest,
    interest_received = excluded.interest_received,
    interest_waived = excluded.interest_waived,
    status = excluded.status,
    events = excluded.events
