-- balances_by_task: plan beside actual, one row per set of tasks that a line serves, in the plan's order.
select
    array_to_string(p.tasks, '、') as task,
    figures(
        sum(planned), sum(allotted), sum(line), sum(committed), sum(payable), sum(in_approval), sum(in_transit), sum(paid)
    ) as figures
from standing_at(%(fund)s, %(position)s, %(booked_on)s)
join project as p using (project)
where p.fund = %(fund)s
group by p.tasks
order by min(p.number)
