-- balances_by_award: plan beside actual, one row per award, and for each project one with award null: given to none.
select
    project,
    nullif(s.award, '') as award,
    a.applicant,
    figures(
        sum(planned), sum(allotted), sum(line), sum(committed), sum(payable), sum(in_approval), sum(in_transit), sum(paid)
    ) as figures
from standing_at(%(fund)s, %(position)s, %(booked_on)s) as s
join project as p using (project)
left join award as a using (project, award)
where p.fund = %(fund)s and (s.award <> '' or s.planned <> 0 or s.line <> 0)
group by project, p.number, s.award, a.applicant, a.rank
order by p.number, a.rank nulls last, s.award
