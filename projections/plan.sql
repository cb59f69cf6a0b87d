-- plan: the amounts per line and batch of the plan that is adopted.
insert into plan (fund, project, batch, batch_name, gate, planned)
select
    e.fact ->> 'fund',
    l.line ->> 'project',
    (b.batch ->> 'batch')::integer,
    total.batch ->> 'name',
    b.batch ->> 'gate',
    fen(b.batch ->> 'amount')
from event as e
join event as draft on draft.stream = e.stream and draft.version = (e.fact ->> 'draft')::bigint
cross join lateral jsonb_array_elements(draft.fact -> 'lines') as l (line)
cross join lateral jsonb_array_elements(l.line -> 'batches') as b (batch)
join lateral jsonb_array_elements(draft.fact -> 'batches') as total (batch)
    on total.batch -> 'batch' = b.batch -> 'batch'
where e.position > %(after)s and e.position <= %(upto)s and e.type = 'PlanAdopted'
