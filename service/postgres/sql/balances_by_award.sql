-- balances_by_award: plan and actual amounts, one row per award. A row with award null has the amounts of a project
-- that no award has; the last row is the whole fund.
select
    s.project,
    nullif(s.award, '') as award,
    a.applicant,
    figures(
        sum(planned), sum(allotted), sum(line), sum(committed), sum(payable), sum(in_approval), sum(in_transit), sum(paid)
    ) as figures,
    case when grouping(s.award) = 1 then of_fund(sum(allotted), sum(pool), sum(recovered), sum(surrendered)) end as of_fund
from standing_at(%(fund)s, %(position)s, %(booked_on)s, by_award => true) as s
left join project as p on p.fund = %(fund)s and p.project = s.project
left join award as a on a.project = s.project and a.award = s.award
group by grouping sets ((s.project, p.number, s.award, a.applicant, a.rank), ())
having grouping(s.award) = 1 or p.number is not null and (s.award <> '' or sum(planned) <> 0 or sum(line) <> 0)
order by grouping(s.award), p.number, s.project, a.rank nulls last, s.award
