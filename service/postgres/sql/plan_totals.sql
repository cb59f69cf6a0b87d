-- plan_totals: the total row of the plan's annex, with its title, as of a position and booking date; null is
-- now.
with standing as (
    select batch, (array_agg(batch_name order by plan_position desc))[1] as name, sum(planned) as planned,
        sum(allotted) as allotted, sum(allotted - line) as awarded, sum(paid) as paid
    from plan_batches_at(%(fund)s, %(position)s, %(booked_on)s)
    group by batch
)
select
    f.fund,
    plan.fact ->> 'title' as title,
    yuan(coalesce(sum(s.planned), 0)) as planned,
    yuan(coalesce(sum(s.allotted), 0)) as allotted,
    yuan(coalesce(sum(s.awarded), 0)) as awarded,
    yuan(coalesce(sum(s.paid), 0)) as paid,
    coalesce(
        jsonb_agg(
            jsonb_build_object(
                'batch', s.batch, 'name', s.name, 'planned', yuan(s.planned), 'allotted', yuan(s.allotted),
                'awarded', yuan(s.awarded), 'paid', yuan(s.paid)
            ) order by s.batch
        ) filter (where s.batch is not null),
        '[]'
    ) as batches
from fund as f
left join whole_plan_at(%(fund)s, %(position)s, %(booked_on)s) as plan (fact) on true
left join standing as s on true
where f.fund = %(fund)s
group by f.fund, plan.fact
