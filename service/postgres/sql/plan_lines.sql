-- plan_lines: the plan's annex regenerated: each line in its order, and for each batch the adopted plan, the plan in
-- force and the actual amounts, as of a position and booking date; null is now.
with adopted as (
    select p.*
    from fund as f
    cross join plan_at(f.fund, f.adopted_position, null) as p
    where f.fund = %(fund)s
), standing as (
    select
        project,
        batch,
        sum(planned) as planned,
        sum(allotted) as allotted,
        sum(allotted - line) as awarded,
        sum(paid) as paid
    from standing_at(%(fund)s, %(position)s, %(booked_on)s)
    group by project, batch
), line as (
    select l.line, l.line ->> 'project' as project, (l.line ->> 'number')::integer as number
    from whole_plan_at(%(fund)s, %(position)s, %(booked_on)s) as plan (fact)
    cross join lateral jsonb_array_elements(plan.fact -> 'lines') as l (line)
)
select
    l.number,
    l.line ->> 'number_raw' as number_raw,
    l.project,
    l.line ->> 'name' as name,
    l.line ->> 'name_annex' as name_annex,
    l.line ->> 'name_en' as name_en,
    l.line -> 'tasks' as tasks,
    l.line ->> 'award_rule' as award_rule,
    (l.line ->> 'awards')::integer as awards,
    (l.line ->> 'fixed_total')::boolean as fixed_total,
    coalesce(l.line -> 'checkpoints', '[]') as checkpoints,
    l.line ->> 'objective' as objective,
    l.line ->> 'support' as support,
    coalesce(l.line -> 'goals', '[]') as goals,
    coalesce(l.line ->> 'selection', 'open_call') as selection,
    (
        select count(*)
        from award as a
        where
            a.fund = %(fund)s
            and a.project = l.project
            and case
                when %(position)s::bigint is null and %(booked_on)s::date is null then a.status in ('live', 'terminated')
                else award_counted_at(a.project, a.award, a.events, %(position)s, %(booked_on)s)
            end
    ) as awarded_count,
    yuan(sum(coalesce(a.planned, 0))) as adopted,
    yuan(sum(s.planned)) as planned,
    yuan(sum(s.allotted)) as allotted,
    yuan(sum(s.awarded)) as awarded,
    yuan(sum(s.paid)) as paid,
    jsonb_agg(
        jsonb_build_object(
            'batch', batch, 'name', plan.batch_name, 'gate', plan.gate, 'adopted', yuan(coalesce(a.planned, 0)),
            'planned', yuan(s.planned),
            'allotted', yuan(s.allotted), 'awarded', yuan(s.awarded), 'paid', yuan(s.paid)
        ) order by batch
    ) as batches
from line as l
join standing as s using (project)
join plan_at(%(fund)s, %(position)s, %(booked_on)s) as plan using (project, batch)
left join adopted as a using (project, batch)
group by l.project, l.number, l.line
order by l.number
