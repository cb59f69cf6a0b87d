-- finding: faults that were recorded, and those that irregular events and unordered payments opened by themselves.
with span as (
    select position, stream, version, type, fact
    from event
    where
        position > %(after)s
        and position <= %(upto)s
        and not fact ? 'mirrors'
        and (
            type in ('FindingRecorded', 'FindingSettled', 'UnorderedPaymentFound', 'EntryReversed')
            or fact ? 'irregular'
        )
), opened as (
    select position, stream, version, fact, fact ->> 'finding' as finding, fact ->> 'kind' as kind, null as rule,
        null as found_by, fact ->> 'text' as text, fact ->> 'authority' as authority,
        (fact ->> 'due_on')::date as due_on
    from span
    where type = 'FindingRecorded'
    union all
    select position, stream, version, fact, type || '-' || version, 'payment', null, null, fact ->> 'reason', null, null
    from span
    where type = 'UnorderedPaymentFound'
    union all
    select position, stream, version, fact, (mark ->> 'rule') || '-' || version, 'irregular', mark ->> 'rule',
        mark ->> 'found_by', mark #>> '{basis,kind}' || ' ' || (mark #>> '{basis,number}'), null, null
    from span
    cross join lateral jsonb_array_elements(fact -> 'irregular') as m (mark)
), settled as (
    -- A settlement, and the reversal of one, which opens the finding again.
    select position, stream, fact, fact ->> 'finding' as finding, 'settled' as status
    from span
    where type = 'FindingSettled'
    union all
    select position, stream, '{}', restored ->> 'name',
        case fact ->> 'entry' when 'FindingSettled' then 'open' else 'reversed' end
    from span
    cross join lateral jsonb_array_elements(fact -> 'restored') as r (restored)
    where type = 'EntryReversed' and restored ->> 'kind' = 'finding'
), last as (
    select distinct on (stream, finding) stream, finding, fact, status
    from settled
    order by stream, finding, position desc
), touched as (
    select stream, finding, array_agg(position order by position) as positions
    from (
        select stream, finding, position from opened
        union all
        select stream, finding, position from settled
    ) as each
    group by stream, finding
)
insert into finding (
    stream, finding, fund, project, opened_version, kind, rule, text, authority, found_by, amount, due_on, opened_on,
    opened_by, how, settled_on, settled_by, settlement, status, events
)
select
    t.stream,
    t.finding,
    coalesce(o.fact ->> 'fund', f.fund),
    case when t.stream like 'project/%%' then substr(t.stream, length('project/') + 1) end,
    coalesce(o.version, f.opened_version),
    coalesce(o.kind, f.kind),
    coalesce(o.rule, f.rule),
    coalesce(o.text, f.text),
    coalesce(o.authority, f.authority),
    coalesce(o.found_by, f.found_by),
    coalesce(fen(o.fact ->> 'amount'), f.amount),
    coalesce(o.due_on, f.due_on),
    coalesce((o.fact ->> 'occurred_on')::date, f.opened_on),
    coalesce(o.fact ->> 'actor', f.opened_by),
    case when l.status in ('settled', 'open') then l.fact ->> 'how' else f.how end,
    case when l.status in ('settled', 'open') then (l.fact ->> 'occurred_on')::date else f.settled_on end,
    case when l.status in ('settled', 'open') then l.fact ->> 'actor' else f.settled_by end,
    case when l.status in ('settled', 'open') then l.fact ->> 'text' else f.settlement end,
    coalesce(l.status, f.status, 'open'),
    coalesce(f.events, '{}') || t.positions
from touched as t
left join finding as f using (stream, finding)
left join opened as o using (stream, finding)
left join last as l using (stream, finding)
on conflict (stream, finding) do update set
    how = excluded.how,
    settled_on = excluded.settled_on,
    settled_by = excluded.settled_by,
    settlement = excluded.settlement,
    status = excluded.status,
    events = excluded.events
