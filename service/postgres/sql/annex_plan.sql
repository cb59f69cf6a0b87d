-- annex_plan: the plan in force at a position and booking date, as its annex prints it, with its amounts in fen; null
-- is now. A plan that does not say how its annex is printed has the annex of the plan before.
with whole as (
    select e.position, plan.fact
    from (
        select distinct position from plan
        where
            fund = %(fund)s
            and position <= coalesce(%(position)s, position)
            and booked_on <= coalesce(%(booked_on)s, booked_on)
    ) as in_force
    join event as e using (position)
    join event as plan
        on plan.stream = e.stream
        and plan.version = case e.type when 'PlanAdopted' then (e.fact ->> 'draft')::bigint else e.version end
)
select
    w.fact ->> 'title' as title,
    w.fact -> 'tasks' as tasks,
    w.fact -> 'batches' as batches,
    w.fact -> 'lines' as lines,
    (
        select each.fact -> 'annex' from whole as each
        where each.fact ->> 'annex' is not null
        order by each.position desc limit 1
    ) as annex,
    (
        select
            jsonb_agg(
                jsonb_build_object('project', p.project, 'batch', p.batch, 'fen', p.planned) order by p.project, p.batch
            )
        from plan_at(%(fund)s, %(position)s, %(booked_on)s) as p
    ) as amounts
from whole as w
order by w.position desc
limit 1
