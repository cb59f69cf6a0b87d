-- plan_source: the sources of money that each plan lists which came into force, adopted or revised.
with whole as materialized (
    select e.position, e.fact ->> 'fund' as fund, (e.fact ->> 'booked_on')::date as booked_on, plan.fact as plan
    from event as e
    join event as plan
        on (
            e.type = 'PlanAdopted' and plan.type = 'PlanDrafted' and plan.stream = e.stream
            and plan.version = (e.fact ->> 'draft')::bigint
        )
        or (e.type = 'PlanRevised' and plan.position = e.position)
    where e.position > %(after)s and e.position <= %(upto)s and e.type in ('PlanAdopted', 'PlanRevised')
)
insert into plan_source (fund, position, source, rank, booked_on, name, level, amount)
select
    w.fund,
    w.position,
    s.source ->> 'source',
    s.rank,
    w.booked_on,
    s.source ->> 'name',
    s.source ->> 'level',
    fen(s.source ->> 'amount')
from whole as w
cross join lateral jsonb_array_elements(w.plan -> 'sources') with ordinality as s (source, rank)
