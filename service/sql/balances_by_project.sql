-- balances_by_project: plan beside actual, one row per project, in the plan's order.
select
    project,
    p.name,
    figures(
        sum(planned), sum(allotted), sum(line), sum(committed), sum(payable), sum(in_approval), sum(in_transit), sum(paid)
    ) as figures
from standing_at(%(fund)s, %(position)s, %(booked_on)s)
join project as p using (project)
where p.fund = %(fund)s
group by project, p.name, p.number
order by p.number
