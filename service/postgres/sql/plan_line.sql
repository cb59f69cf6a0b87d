-- plan_line: the plan in force for one project in one batch: the amount, and the gate that payment requires.
select p.project, j.number, j.name, p.batch, p.batch_name, p.gate, yuan(p.planned) as planned
from plan_at(%(fund)s, null, null) as p
join project as j using (project)
where j.fund = %(fund)s and p.project = %(project)s and p.batch = %(batch)s
