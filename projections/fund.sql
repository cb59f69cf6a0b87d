-- fund: the fund's name, settings, total appropriated, last draft of its plan, plan in force, last closed period, and
-- closing.
with appropriated as (
    select fund, sum(case when source = 'treasury' then amount else -amount end) as amount
    from movement
    where position > %(after)s and position <= %(upto)s and 'treasury' in (source, target)
        and 'interest' not in (source, target)
    group by fund
), change as (
    select
        e.fact ->> 'fund' as fund,
        (array_agg(e.fact order by e.position desc) filter (where e.type in ('FundEstablished', 'FundRenamed')))[1] as named,
        (array_agg(e.fact -> 'settings' order by e.position desc) filter (where e.fact ? 'settings'))[1] as settings,
        max((e.fact ->> 'settings_version')::integer) as settings_version,
        (array_agg(plan.fact ->> 'title' order by e.position desc) filter (where plan.fact is not null))[1] as title,
        (array_agg(plan.fact -> 'tasks' order by e.position desc) filter (where plan.fact is not null))[1] as tasks,
        max(e.position) filter (where e.type = 'FundEstablished') as established_position,
        max(e.position) filter (where e.type = 'PlanDrafted') as draft_position,
        max(e.position) filter (where e.type = 'PlanAdopted') as adopted_position,
        max(e.position) filter (where plan.fact is not null) as plan_position,
        max(e.fact ->> 'period') filter (where e.type = 'PeriodClosed') as period,
        max(e.position) filter (where e.type = 'FundClosed') as closed_position
    from event as e
    left join event as plan
        on (
            e.type = 'PlanAdopted' and plan.type = 'PlanDrafted' and plan.stream = e.stream
            and plan.version = (e.fact ->> 'draft')::bigint
        )
        or (e.type = 'PlanRevised' and plan.position = e.position)
    where
        e.position > %(after)s
        and e.position <= %(upto)s
        and e.type in (
            'FundEstablished', 'FundRenamed', 'SettingsChanged', 'AppropriationReceived', 'PlanDrafted', 'PlanAdopted',
            'PlanRevised', 'PeriodClosed', 'FundClosed', 'EntryReversed'
        )
        and e.stream like 'fund/%%'
    group by 1
)
insert into fund (
    fund, name, name_en, settings, settings_version, title, tasks, appropriated, established_position, adopted_position, plan_position,
    closed_through, closed_position, draft_position
)
select
    fund,
    coalesce(c.named ->> 'name', f.name),
    case when c.named is null then f.name_en else c.named ->> 'name_en' end,
    coalesce(c.settings, f.settings),
    coalesce(c.settings_version, f.settings_version, 1),
    coalesce(c.title, f.title),
    coalesce(c.tasks, f.tasks),
    coalesce(f.appropriated, 0) + coalesce(a.amount, 0),
    coalesce(c.established_position, f.established_position),
    coalesce(c.adopted_position, f.adopted_position),
    coalesce(c.plan_position, f.plan_position),
    coalesce((c.period || '-01')::date + interval '1 month' - interval '1 day', f.closed_through)::date,
    coalesce(c.closed_position, f.closed_position),
    coalesce(c.draft_position, f.draft_position)
from change as c
left join appropriated as a using (fund)
left join fund as f using (fund)
on conflict (fund) do update set
    name = excluded.name,
    name_en = excluded.name_en,
    settings = excluded.settings,
    settings_version = excluded.settings_version,
    title = excluded.title,
    tasks = excluded.tasks,
    appropriated = excluded.appropriated,
    adopted_position = excluded.adopted_position,
    plan_position = excluded.plan_position,
    closed_through = excluded.closed_through,
    closed_position = excluded.closed_position,
    draft_position = excluded.draft_position
