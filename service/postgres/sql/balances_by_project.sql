-- balances_by_project: plan and actual amounts, one row per project in the plan's order; the last row is the whole
-- fund.
select
    s.project,
    p.name,
    figures(
        sum(planned), sum(allotted), sum(line), sum(committed), sum(payable), sum(in_approval), sum(in_transit), sum(paid)
    ) as figures,
    case when grouping(p.number) = 1 then of_fund(sum(allotted), sum(pool), sum(recovered), sum(surrendered)) end as of_fund
from standing_at(%(fund)s, %(position)s, %(booked_on)s) as s
left join project as p on p.fund = %(fund)s and p.project = s.project
group by grouping sets ((s.project, p.name, p.number), ())
having grouping(p.number) = 1 or p.number is not null
order by grouping(p.number), p.number, s.project
