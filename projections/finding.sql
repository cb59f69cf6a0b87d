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
        null as found_by, fact ->> 'text' as text
    from span
    where type = 'FindingRecorded'
    union all
    select position, stream, version, fact, type || '-' || version, 'payment', null, null, fact ->> 'reason'
    from span
    where type = 'UnorderedPaymentFound'
    union all
    select position, stream, version, fact, (mark ->> 'rule') || '-' || version, 'irregular', mark ->> 'rule',
        mark ->> 'found_by', mark #>> '{basis,kind}' || ' ' || (mark #>> '{basis,number}')
    from span
    cross join lateral jsonb_array_elements(fact -> 'irregular') as m (mark)
), settled as (
    select position, stream, fact, fact ->> 'finding' as finding
    from span
    where type = 'FindingSettled'
), undone as (
    select position, stream, restored ->> 'name' as finding
    from span
    cross join lateral jsonb_array_elements(fact -> 'restored') as r (restored)
    where type = 'EntryReversed' and restored ->> 'kind' = 'finding'
), touched as (
    select stream, finding, array_agg(position order by position) as positions
    from (
        select stream, finding, position from opened
        union all
        select stream, finding, position from settled
        union all
        select stream, finding, position from undone
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
    coalesce(o.fact ->> 'authority', f.authority),
    coalesce(o.found_by, f.found_by),
    coalesce(fen(o.fact ->> 'amount'), f.amount),
    coalesce((o.fact ->> 'due_on')::date, f.due_on),
    coalesce((o.fact ->> 'occurred_on')::date, f.opened_on),
    coalesce(o.fact ->> 'actor', f.opened_by),
    coalesce(s.fact ->> 'how', f.how),
    coalesce((s.fact ->> 'occurred_on')::date, f.settled_on),
    coalesce(s.fact ->> 'actor', f.settled_by),
    coalesce(s.fact ->> 'text', f.settlement),
    case
        when u.position is not null then 'reversed'
        when s.position is not null then 'settled'
        else coalesce(f.status, 'open')
    end,
    coalesce(f.events, '{}') || t.positions
from touched as t
left join finding as f using (stream, finding)
left join opened as o using (stream, finding)
left join settled as s using (stream, finding)
left join undone as u using (stream, finding)
on conflict (stream, finding) do update set
    how = excluded.how,
    settled_on = excluded.settled_on,
    settled_by = excluded.settled_by,
    settlement = excluded.settlement,
    status = excluded.status,
    events = excluded.events
