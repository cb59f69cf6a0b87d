-- draft_lines: the lines of a plan that is only drafted, in their order, as plan_lines has those of an adopted plan.
select
    (l.line ->> 'number')::integer as number,
    l.line ->> 'number_raw' as number_raw,
    l.line ->> 'project' as project,
    l.line ->> 'name' as name,
    l.line ->> 'name_annex' as name_annex,
    l.line ->> 'name_en' as name_en,
    (
        select jsonb_agg(t.task order by c.place)
        from jsonb_array_elements(l.line -> 'tasks') with ordinality as c (code, place)
        join jsonb_array_elements(e.fact -> 'tasks') as t (task) on t.task -> 'code' = c.code
    ) as tasks,
    l.line ->> 'award_rule' as award_rule,
    (l.line ->> 'awards')::integer as awards,
    (l.line ->> 'fixed_total')::boolean as fixed_total,
    coalesce(l.line -> 'checkpoints', '[]') as checkpoints,
    l.line ->> 'objective' as objective,
    l.line ->> 'support' as support,
    coalesce(l.line -> 'goals', '[]') as goals,
    coalesce(l.line ->> 'selection', 'open_call') as selection,
    0 as awarded_count,
    true as in_plan,
    yuan(0) as adopted,
    l.line ->> 'total' as planned,
    yuan(0) as allotted,
    yuan(0) as awarded,
    yuan(0) as paid,
    (
        select jsonb_agg(
            jsonb_build_object(
                'batch', b.batch -> 'batch', 'name', p.batch ->> 'name', 'gate', b.batch ->> 'gate',
                'adopted', yuan(0), 'planned', b.batch ->> 'amount',
                'allotted', yuan(0), 'awarded', yuan(0), 'paid', yuan(0)
            ) order by (b.batch ->> 'batch')::integer
        )
        from jsonb_array_elements(l.line -> 'batches') as b (batch)
        join jsonb_array_elements(e.fact -> 'batches') as p (batch) on p.batch -> 'batch' = b.batch -> 'batch'
    ) as batches
from event as e
cross join jsonb_array_elements(e.fact -> 'lines') as l (line)
where e.position = %(position)s
order by 1
