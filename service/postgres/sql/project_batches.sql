-- project_batches: plan and actual amounts of one project, one row per batch.
select
    s.batch,
    p.batch_name as name,
    p.gate,
    figures(
        sum(s.planned), sum(allotted), sum(line), sum(committed), sum(payable), sum(in_approval), sum(in_transit), sum(paid)
    ) as figures
from standing_at(%(fund)s, null, null) as s
join plan_at(%(fund)s, null, null) as p using (project, batch)
where s.project = %(project)s
group by s.batch, p.batch_name, p.gate
order by s.batch
