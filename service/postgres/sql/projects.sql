-- projects: the projects of the plans in force, and projects that were opened under an earlier plan: of one fund, of
-- all funds, or one project.
select
    p.project,
    p.fund,
    p.number,
    p.name,
    p.name_en,
    p.tasks,
    p.award_rule,
    p.awards,
    p.fixed_total,
    p.checkpoints,
    p.objective,
    p.support,
    p.goals,
    p.selection,
    case
        when p.closed_position is not null then 'closed'
        when p.opened_position is not null then 'open'
        else 'planned'
    end as status,
    p.in_plan,
    yuan((select coalesce(sum(planned), 0) from plan_at(p.fund, null, null) as plan where plan.project = p.project)) as planned,
    p.opened_position,
    p.closed_position,
    p.awards_missing
from project as p
where
    p.fund = coalesce(%(fund)s, p.fund)
    and p.project = coalesce(%(project)s, p.project)
    and (p.in_plan or p.opened_position is not null)
order by p.opened_position is null, p.fund, p.number
