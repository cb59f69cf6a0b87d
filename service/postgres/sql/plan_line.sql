-- plan_line: what the plan in force gives one project in one batch, and the gate it is paid behind.
select p.project, j.number, j.name, p.batch, p.batch_name, p.gate, yuan(p.planned) as planned
from plan_at(%(fund)s, null, null) as p
join project as j using (project)
where j.fund = %(fund)s and p.project = %(project)s and p.batch = %(batch)s
