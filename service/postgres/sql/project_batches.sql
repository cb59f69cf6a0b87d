-- project_batches: plan and actual amounts of one project, one row per batch.
select
    batch,
    batch_name as name,
    gate,
    figures(planned, allotted, line, committed, payable, in_approval, in_transit, paid) as figures
from plan_batches_at(%(fund)s, null, null)
where project = %(project)s
order by batch
