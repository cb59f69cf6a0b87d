-- balances_by_task: plan and actual amounts, one row per set of tasks that plan lines serve, in the plan's order; the
-- last row is the whole fund.
select
    array_to_string(p.tasks, '、') as task,
    figures(
        sum(planned), sum(allotted), sum(line), sum(committed), sum(payable), sum(in_approval), sum(in_transit), sum(paid)
    ) as figures,
    case when grouping(p.tasks) = 1 then of_fund(sum(allotted), sum(pool), sum(recovered), sum(surrendered)) end as of_fund
from standing_at(%(fund)s, %(position)s, %(booked_on)s) as s
left join project as p on p.fund = %(fund)s and p.project = s.project
group by grouping sets ((p.tasks), ())
having grouping(p.tasks) = 1 or p.tasks is not null
order by grouping(p.tasks), min(p.number)
