-- project: each line of the plan, and when its project was opened, closed, or reopened by the reversal of the closing,
-- and how many awards it then lacked.
with whole as materialized (
    select e.position, e.fact ->> 'fund' as fund, plan.fact -> 'lines' as lines
    from event as e
    join event as plan
        on (
            e.type = 'PlanAdopted' and plan.type = 'PlanDrafted' and plan.stream = e.stream
            and plan.version = (e.fact ->> 'draft')::bigint
        )
        or (e.type = 'PlanRevised' and plan.position = e.position)
    where e.position > %(after)s and e.position <= %(upto)s and e.type in ('PlanAdopted', 'PlanRevised')
), line as (
    select
        w.fund,
        l.line ->> 'project' as project,
        (l.line ->> 'number')::integer as number,
        l.line ->> 'number_raw' as number_raw,
        l.line ->> 'name' as name,
        l.line ->> 'name_annex' as name_annex,
        l.line ->> 'name_en' as name_en,
        array(select jsonb_array_elements_text(l.line -> 'tasks')) as tasks,
        l.line ->> 'award_rule' as award_rule,
        (l.line ->> 'awards')::integer as awards,
        (l.line ->> 'fixed_total')::boolean as fixed_total,
        array(select jsonb_array_elements_text(l.line -> 'checkpoints')) as checkpoints,
        l.line ->> 'objective' as objective,
        l.line ->> 'support' as support,
        coalesce(l.line -> 'goals', '[]') as goals,
        coalesce(l.line ->> 'selection', 'open_call') as selection,
        w.position = max(w.position) over (partition by w.fund) as in_plan,
        row_number() over (partition by w.fund, l.line ->> 'project' order by w.position desc) as age
    from whole as w
    cross join lateral jsonb_array_elements(w.lines) as l (line)
), life as (
    select
        fact ->> 'fund' as fund,
        substr(stream, length('project/') + 1) as project,
        max(position) filter (where type = 'ProjectOpened') as opened_position,
        max(position) filter (where type = 'ProjectClosed') as closed_position,
        max(position) filter (where type = 'EntryReversed') as reopened_position,
        (
            array_agg((fact ->> 'awards_missing')::integer order by position desc) filter (where type = 'ProjectClosed')
        )[1] as awards_missing
    from event
    where
        position > %(after)s
        and position <= %(upto)s
        and (
            type in ('ProjectOpened', 'ProjectClosed')
            or (type = 'EntryReversed' and fact ->> 'entry' = 'ProjectClosed')
        )
    group by 1, 2
), known as (
    select
        fund, project, number, number_raw, name, name_annex, name_en, tasks, award_rule, awards, fixed_total,
        checkpoints, objective, support, goals, selection, in_plan
    from line
    where age = 1
    union all
    select
        fund, project, p.number, p.number_raw, p.name, p.name_annex, p.name_en, p.tasks, p.award_rule, p.awards,
        p.fixed_total, p.checkpoints, p.objective, p.support, p.goals, p.selection,
        p.in_plan and fund not in (select fund from whole)
    from project as p
    where
        ((fund, project) in (select fund, project from life) or fund in (select fund from whole))
        and (fund, project) not in (select fund, project from line)
)
insert into project (
    fund, project, number, number_raw, name, name_annex, name_en, tasks, award_rule, awards, fixed_total, checkpoints,
    objective, support, goals, selection, in_plan, opened_position, closed_position, awards_missing
)
select
    known.*,
    coalesce(life.opened_position, old.opened_position),
    case
        when life.reopened_position > coalesce(life.closed_position, 0) then null
        else coalesce(life.closed_position, old.closed_position)
    end,
    case
        when life.reopened_position > coalesce(life.closed_position, 0) then null
        when life.closed_position is not null then life.awards_missing
        else old.awards_missing
    end
from known
left join life using (fund, project)
left join project as old using (fund, project)
on conflict (fund, project) do update set
    number = excluded.number,
    number_raw = excluded.number_raw,
    name = excluded.name,
    name_annex = excluded.name_annex,
    name_en = excluded.name_en,
    tasks = excluded.tasks,
    award_rule = excluded.award_rule,
    awards = excluded.awards,
    fixed_total = excluded.fixed_total,
    checkpoints = excluded.checkpoints,
    objective = excluded.objective,
    support = excluded.support,
    goals = excluded.goals,
    selection = excluded.selection,
    in_plan = excluded.in_plan,
    opened_position = excluded.opened_position,
    closed_position = excluded.closed_position,
    awards_missing = excluded.awards_missing
