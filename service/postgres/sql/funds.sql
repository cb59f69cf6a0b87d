-- funds: all special funds, or one.
select
    f.fund,
    f.name,
    f.name_en,
    f.title,
    case when f.closed_position is null then 'open' else 'closed' end as status,
    yuan(f.appropriated) as appropriated,
    yuan((select coalesce(sum(p.planned), 0) from plan_at(f.fund, null, null) as p)) as planned,
    (select count(*) from project as p where p.fund = f.fund and p.in_plan) as projects,
    f.settings,
    f.settings_version,
    f.closed_through,
    f.established_position,
    f.draft_position,
    f.adopted_position,
    f.plan_position,
    f.closed_position,
    h.held_at
from fund as f
left join held_fund as h using (fund)
where f.fund = coalesce(%(fund)s, f.fund)
order by f.fund
