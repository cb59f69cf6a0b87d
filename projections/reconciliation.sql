-- reconciliation: each accepted reconciliation of a statement, and whether it was reversed.
with touch as (
    select fact ->> 'fund' as fund, version, position, fact
    from event
    where position > %(after)s and position <= %(upto)s and type = 'StatementReconciled'
    union all
    select fact ->> 'fund', (fact ->> 'version')::bigint, position, null
    from event
    where
        position > %(after)s
        and position <= %(upto)s
        and type = 'EntryReversed'
        and fact ->> 'entry' = 'StatementReconciled'
), change as (
    select
        fund,
        version,
        (array_agg(fact) filter (where fact is not null))[1] as accepted,
        bool_or(fact is null) as reversed,
        array_agg(position order by position) as positions
    from touch
    group by fund, version
)
insert into reconciliation (
    fund, version, file_sha256, first_day, last_day, compared_at, lines, received, paid_out, matches, exceptions,
    accepted_on, accepted_by, status, events
)
select
    fund,
    version,
    coalesce(c.accepted ->> 'file_sha256', r.file_sha256),
    coalesce((c.accepted ->> 'first_day')::date, r.first_day),
    coalesce((c.accepted ->> 'last_day')::date, r.last_day),
    coalesce((c.accepted ->> 'position')::bigint, r.compared_at),
    coalesce((c.accepted ->> 'lines')::integer, r.lines),
    coalesce(fen(c.accepted ->> 'received'), r.received),
    coalesce(fen(c.accepted ->> 'paid_out'), r.paid_out),
    coalesce(jsonb_array_length(c.accepted -> 'matches'), r.matches),
    coalesce(jsonb_array_length(c.accepted -> 'exceptions'), r.exceptions),
    coalesce((c.accepted ->> 'occurred_on')::date, r.accepted_on),
    coalesce(c.accepted ->> 'actor', r.accepted_by),
    case when c.reversed then 'reversed' else 'accepted' end,
    coalesce(r.events, '{}') || c.positions
from change as c
left join reconciliation as r using (fund, version)
on conflict (fund, version) do update set
    status = excluded.status,
    events = excluded.events
