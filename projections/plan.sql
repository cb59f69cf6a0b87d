-- plan: the amounts per line and batch of each plan that came into force, adopted or revised.
-- The plans are found first: other events have a number as their `lines`.
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
insert into plan (fund, position, project, batch, booked_on, batch_name, gate, planned)
select
    w.fund,
    w.position,
    l.line ->> 'project',
    (b.batch ->> 'batch')::integer,
    w.booked_on,
    total.batch ->> 'name',
    b.batch ->> 'gate',
    fen(b.batch ->> 'amount')
from whole as w
cross join lateral jsonb_array_elements(w.plan -> 'lines') as l (line)
cross join lateral jsonb_array_elements(l.line -> 'batches') as b (batch)
join lateral jsonb_array_elements(w.plan -> 'batches') as total (batch)
    on total.batch -> 'batch' = b.batch -> 'batch'
