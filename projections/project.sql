-- project: the lines of a plan when it is adopted, then opened and closed.
with line as (
    select e.fact ->> 'fund' as fund, l.line
    from event as e
    join event as draft on draft.stream = e.stream and draft.version = (e.fact ->> 'draft')::bigint
    cross join lateral jsonb_array_elements(draft.fact -> 'lines') as l (line)
    where e.position > %(after)s and e.position <= %(upto)s and e.type = 'PlanAdopted'
), life as (
    select
        fact ->> 'fund' as fund,
        substr(stream, length('project/') + 1) as project,
        max(position) filter (where type = 'ProjectOpened') as opened_position,
        max(position) filter (where type = 'ProjectClosed') as closed_position
    from event
    where position > %(after)s and position <= %(upto)s and type in ('ProjectOpened', 'ProjectClosed')
    group by 1, 2
), adopted as (
    select
        fund,
        line ->> 'project' as project,
        (line ->> 'number')::integer as number,
        line ->> 'number_raw' as number_raw,
        line ->> 'name' as name,
        line ->> 'name_annex' as name_annex,
        line ->> 'name_en' as name_en,
        array(select jsonb_array_elements_text(line -> 'tasks')) as tasks,
        line ->> 'award_rule' as award_rule,
        (line ->> 'awards')::integer as awards,
        (line ->> 'fixed_total')::boolean as fixed_total
    from line
), known as (
    select fund, project, number, number_raw, name, name_annex, name_en, tasks, award_rule, awards, fixed_total
    from adopted
    union all
    select fund, project, number, number_raw, name, name_annex, name_en, tasks, award_rule, awards, fixed_total
    from project
    where (fund, project) in (select fund, project from life)
        and (fund, project) not in (select fund, project from adopted)
)
insert into project (
    fund, project, number, number_raw, name, name_annex, name_en, tasks, award_rule, awards, fixed_total,
    opened_position, closed_position
)
select known.*, life.opened_position, life.closed_position
from known
left join life using (fund, project)
on conflict (fund, project) do update set
    opened_position = coalesce(excluded.opened_position, project.opened_position),
    closed_position = coalesce(excluded.closed_position, project.closed_position)
