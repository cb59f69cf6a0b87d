-- balances_by_award: plan and actual amounts of a page of a fund's awards, by project and rank. A row with award null
-- has the amounts of a project that no award has; it follows the project's awards. The page begins after the place
-- `after_number` … `after_award`, which the last row of the page before has as its cursor; null is the beginning.
with place as (
    select p.number, p.project, a.rank, a.award, a.applicant
    from project as p
    join award as a on a.fund = p.fund and a.project = p.project
    where
        p.fund = %(fund)s
        and (
            %(position)s::bigint is null and %(booked_on)s::date is null
            or exists (
                select from movement as m
                where
                    m.project = a.project
                    and m.award = a.award
                    and m.position <= coalesce(%(position)s, m.position)
                    and m.booked_on <= coalesce(%(booked_on)s, m.booked_on)
            )
        )
    union all
    select number, project, 999999999, '', null from project where fund = %(fund)s
), standing as materialized (
    select project, sum(planned) as planned, sum(allotted) as allotted, sum(line) as line
    from standing_at(%(fund)s, %(position)s, %(booked_on)s)
    group by project
    -- A project whose money has all been awarded has no row without an award.
    having sum(planned - allotted + line) <> 0 or sum(line) <> 0
), page as (
    select place.*, s.planned - s.allotted + s.line as planned, s.line
    from place
    left join standing as s on s.project = place.project and place.award = ''
    where
        (place.award <> '' or s.project is not null)
        and (
            %(after_number)s::integer is null
            or (place.number, place.project, place.rank, place.award)
            > (%(after_number)s::integer, %(after_project)s::text, %(after_rank)s::integer, %(after_award)s::text)
        )
    order by place.number, place.project, place.rank, place.award
    limit %(limit)s
)
select
    page.project,
    nullif(page.award, '') as award,
    page.applicant,
    figures(
        coalesce(page.planned, held.committed + held.payable + held.in_approval + held.in_transit + held.paid),
        coalesce(page.line, held.committed + held.payable + held.in_approval + held.in_transit + held.paid),
        coalesce(page.line, 0),
        held.committed,
        held.payable,
        held.in_approval,
        held.in_transit,
        held.paid
    ) as figures,
    concat_ws('/', page.number, page.project, page.rank, page.award) as cursor
from page
cross join lateral (
    select
        coalesce(sum(committed), 0) as committed,
        coalesce(sum(payable), 0) as payable,
        coalesce(sum(in_approval), 0) as in_approval,
        coalesce(sum(in_transit), 0) as in_transit,
        coalesce(sum(paid), 0) as paid
    from award_balance_at(%(fund)s, page.project, page.award, %(position)s, %(booked_on)s)
) as held
order by page.number, page.project, page.rank, page.award
