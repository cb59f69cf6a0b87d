-- appropriation: received, and carried forward out of one year after the other.
with received as (
    select e.fact ->> 'fund' as fund, e.version, e.position, (e.fact ->> 'budget_year')::integer as budget_year,
        fen(e.fact ->> 'amount') as amount
    from event as e
    where e.position > %(after)s and e.position <= %(upto)s and e.type = 'AppropriationReceived'
), carried as (
    select
        fact ->> 'fund' as fund,
        (fact ->> 'appropriation')::bigint as version,
        max((fact ->> 'year')::integer) as year,
        array_agg(position order by position) as positions
    from event
    where position > %(after)s and position <= %(upto)s and type = 'YearCarriedForward'
    group by 1, 2
), known as (
    select fund, version, position, budget_year, amount, null::integer as carried_out_of, array[position] as events
    from received
    union all
    select fund, version, position, budget_year, amount, carried_out_of, events
    from appropriation
    where (fund, version) in (select fund, version from carried)
)
insert into appropriation (fund, version, position, budget_year, amount, carried_out_of, events)
select
    fund, version, k.position, k.budget_year, k.amount,
    coalesce(c.year, k.carried_out_of),
    k.events || coalesce(c.positions, '{}')
from known as k
left join carried as c using (fund, version)
on conflict (fund, version) do update set
    carried_out_of = excluded.carried_out_of,
    events = excluded.events
