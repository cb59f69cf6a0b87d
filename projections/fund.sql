-- fund: established, appropriated, its plan adopted, closed.
with change as (
    select
        e.fact ->> 'fund' as fund,
        max(e.fact ->> 'name') filter (where e.type = 'FundEstablished') as name,
        max(e.fact ->> 'name_en') filter (where e.type = 'FundEstablished') as name_en,
        max(draft.fact ->> 'title') as title,
        max(draft.fact ->> 'tasks')::jsonb as tasks,
        coalesce(sum(fen(e.fact ->> 'amount')) filter (where e.type = 'AppropriationReceived'), 0) as appropriated,
        max(e.position) filter (where e.type = 'FundEstablished') as established_position,
        max(e.position) filter (where e.type = 'PlanAdopted') as adopted_position,
        max(e.fact ->> 'booked_on') filter (where e.type = 'PlanAdopted') as adopted_on,
        max(e.position) filter (where e.type = 'FundClosed') as closed_position
    from event as e
    left join event as draft
        on e.type = 'PlanAdopted' and draft.stream = e.stream and draft.version = (e.fact ->> 'draft')::bigint
    where
        e.position > %(after)s
        and e.position <= %(upto)s
        and e.type in ('FundEstablished', 'AppropriationReceived', 'PlanAdopted', 'FundClosed')
    group by 1
)
insert into fund (
    fund, name, name_en, title, tasks, appropriated, established_position, adopted_position, adopted_on,
    closed_position
)
select
    fund,
    coalesce(c.name, f.name),
    coalesce(c.name_en, f.name_en),
    coalesce(c.title, f.title),
    coalesce(c.tasks, f.tasks),
    coalesce(f.appropriated, 0) + c.appropriated,
    coalesce(c.established_position, f.established_position),
    coalesce(c.adopted_position, f.adopted_position),
    coalesce(c.adopted_on::date, f.adopted_on),
    coalesce(c.closed_position, f.closed_position)
from change as c
left join fund as f using (fund)
on conflict (fund) do update set
    title = excluded.title,
    tasks = excluded.tasks,
    appropriated = excluded.appropriated,
    adopted_position = excluded.adopted_position,
    adopted_on = excluded.adopted_on,
    closed_position = excluded.closed_position
