-- plan_lines: the plan's annex regenerated: each line in its order, and for each batch the adopted plan, the plan in
-- force and the actual amounts.
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
    from standing_at(%(fund)s, null, null)
    group by project, batch
)
select
    p.number,
    p.number_raw,
    p.project,
    p.name,
    p.name_annex,
    p.name_en,
    p.tasks,
    p.award_rule,
    p.awards,
    p.fixed_total,
    p.checkpoints,
    p.objective,
    p.support,
    p.goals,
    (
        select count(*) from award as a where a.fund = p.fund and a.project = p.project and a.status in ('live', 'terminated')
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
from project as p
join standing as s using (project)
join plan_at(%(fund)s, null, null) as plan using (project, batch)
left join adopted as a using (project, batch)
where p.fund = %(fund)s
group by p.fund, p.project
order by p.number
