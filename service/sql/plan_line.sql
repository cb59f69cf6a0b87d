-- plan_line: what the adopted plan gives one project in one batch, and the gate it is paid behind.
select p.project, j.number, j.name, p.batch, p.batch_name, p.gate, yuan(p.planned) as planned
from plan as p
join project as j using (fund, project)
where p.fund = %(fund)s and p.project = %(project)s and p.batch = %(batch)s
