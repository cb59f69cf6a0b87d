-- plan_lines: the plan's annex regenerated: each line in its order, and for each batch the adopted plan, the plan in
-- force and the actual amounts, as of a position and booking date; null is now. The lines that have left the plan stand
-- at the end.
with batch as materialized (
    select * from plan_batches_at(%(fund)s, %(position)s, %(booked_on)s)
), whole as materialized (
    select e.position, plan.fact
    from (select distinct plan_position as position from batch) as each
    join event as e using (position)
    join event as plan
        on plan.stream = e.stream
        and plan.version = case e.type when 'PlanAdopted' then (e.fact ->> 'draft')::bigint else e.version end
), line as (
    select w.position as plan_position, w.fact -> 'tasks' as tasks, l.line, l.line ->> 'project' as project, (l.line ->> 'number')::integer as number
    from whole as w
    cross join lateral jsonb_array_elements(w.fact -> 'lines') as l (line)
)
select
    l.number,
    l.line ->> 'number_raw' as number_raw,
    l.project,
    l.line ->> 'name' as name,
    l.line ->> 'name_annex' as name_annex,
    l.line ->> 'name_en' as name_en,
    (
        select jsonb_agg(t.task order by c.place)
        from jsonb_array_elements(l.line -> 'tasks') with ordinality as c (code, place)
        join jsonb_array_elements(l.tasks) as t (task) on t.task -> 'code' = c.code
    ) as tasks,
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
    b.in_plan,
    yuan(sum(b.adopted)) as adopted,
    yuan(sum(b.planned)) as planned,
    yuan(sum(b.allotted)) as allotted,
    yuan(sum(b.allotted - b.line)) as awarded,
    yuan(sum(b.paid)) as paid,
    jsonb_agg(
        jsonb_build_object(
            'batch', b.batch, 'name', b.batch_name, 'gate', b.gate, 'adopted', yuan(b.adopted),
            'planned', yuan(b.planned), 'allotted', yuan(b.allotted), 'awarded', yuan(b.allotted - b.line),
            'paid', yuan(b.paid)
        ) order by b.batch
    ) as batches
from batch as b
join line as l using (project, plan_position)
group by l.project, l.number, l.line, l.tasks, b.in_plan
order by b.in_plan desc, l.number
