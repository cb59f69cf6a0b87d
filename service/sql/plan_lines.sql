-- plan_lines: the annex regenerated: each line in its order, and for each batch plan beside actual.
with standing as (
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
    (select count(*) from award as a where a.fund = p.fund and a.project = p.project) as awarded_count,
    yuan(sum(s.planned)) as planned,
    yuan(sum(s.allotted)) as allotted,
    yuan(sum(s.awarded)) as awarded,
    yuan(sum(s.paid)) as paid,
    jsonb_agg(
        jsonb_build_object(
            'batch', s.batch, 'name', plan.batch_name, 'gate', plan.gate, 'planned', yuan(s.planned),
            'allotted', yuan(s.allotted), 'awarded', yuan(s.awarded), 'paid', yuan(s.paid)
        ) order by s.batch
    ) as batches
from project as p
join standing as s using (project)
join plan on plan.fund = p.fund and plan.project = s.project and plan.batch = s.batch
where p.fund = %(fund)s
group by p.fund, p.project
order by p.number
