-- appropriation: received, then carried forward year by year. The fen that an appropriation issues are consecutive.
with received as (
    select e.fact ->> 'fund' as fund, e.version, e.position, (e.fact ->> 'budget_year')::integer as budget_year,
        fen(e.fact ->> 'amount') as amount, (e.fact ->> 'booked_on')::date as received_on,
        lower((e.fact #>> '{moves,0,fen}')::int8multirange) as first_fen, e.fact ->> 'funding_source' as source,
        coalesce(e.fact -> 'documents', '[]') as documents
    from event as e
    where e.position > %(after)s and e.position <= %(upto)s and e.type = 'AppropriationReceived'
), carry as (
    select fact ->> 'fund' as fund, (fact ->> 'appropriation')::bigint as version, (fact ->> 'year')::integer as year,
        position
    from event
    where position > %(after)s and position <= %(upto)s and type = 'YearCarriedForward'
    union all
    select e.fact ->> 'fund', (undone.fact ->> 'appropriation')::bigint, (undone.fact ->> 'year')::integer - 1, e.position
    from event as e
    join event as undone
        on undone.stream = e.stream and undone.version = (e.fact ->> 'version')::bigint
        and undone.type = 'YearCarriedForward'
    where e.position > %(after)s and e.position <= %(upto)s and e.type = 'EntryReversed'
), carried as (
    select fund, version, (array_agg(year order by position desc))[1] as year,
        array_agg(position order by position) as positions
    from carry
    group by fund, version
), known as (
    select fund, version, position, budget_year, amount, received_on, first_fen, source, documents,
        null::integer as carried_out_of, array[position] as events
    from received
    union all
    select fund, version, position, budget_year, amount, received_on, first_fen, source, documents, carried_out_of,
        events
    from appropriation
    where (fund, version) in (select fund, version from carried)
)
insert into appropriation (
    fund, version, position, budget_year, amount, received_on, first_fen, source, documents, carried_out_of, events
)
select
    fund, version, k.position, k.budget_year, k.amount, k.received_on, k.first_fen, k.source, k.documents,
    case when c.year is null then k.carried_out_of when c.year >= k.budget_year then c.year end,
    k.events || coalesce(c.positions, '{}')
from known as k
left join carried as c using (fund, version)
on conflict (fund, version) do update set
    carried_out_of = excluded.carried_out_of,
    events = excluded.events
