-- waiver: each waiver granted, and whether it was reversed.
with touch as (
    select
        stream,
        concat_ws(
            '/',
            fact ->> 'rule',
            case when fact ? 'award' then 'award' else 'application' end,
            coalesce(fact ->> 'award', fact ->> 'application')
        ) as waiver,
        position,
        fact
    from event
    where position > %(after)s and position <= %(upto)s and type = 'WaiverGranted'
    union all
    select stream, restored ->> 'name', position, null
    from event
    cross join lateral jsonb_array_elements(fact -> 'restored') as r (restored)
    where
        position > %(after)s
        and position <= %(upto)s
        and type = 'EntryReversed'
        and restored ->> 'kind' = 'waiver'
), change as (
    select
        substr(stream, length('project/') + 1) as project,
        waiver,
        (array_agg(fact order by position desc) filter (where fact is not null))[1] as granted,
        (array_agg(fact is null order by position desc))[1] as reversed,
        array_agg(position order by position) as positions
    from touch
    group by stream, waiver
)
insert into waiver (
    project, waiver, fund, rule, award, application, reason, granted_on, granted_by, status, events
)
select
    project,
    waiver,
    coalesce(c.granted ->> 'fund', w.fund),
    coalesce(c.granted ->> 'rule', w.rule),
    coalesce(c.granted ->> 'award', w.award),
    coalesce(c.granted ->> 'application', w.application),
    coalesce(c.granted ->> 'reason', w.reason),
    coalesce((c.granted ->> 'occurred_on')::date, w.granted_on),
    coalesce(c.granted ->> 'actor', w.granted_by),
    case when c.reversed then 'reversed' else 'granted' end,
    coalesce(w.events, '{}') || c.positions
from change as c
left join waiver as w using (project, waiver)
on conflict (project, waiver) do update set
    reason = excluded.reason,
    granted_on = excluded.granted_on,
    granted_by = excluded.granted_by,
    status = excluded.status,
    events = excluded.events
