-- movement: a copy of each move of each leading event. Mirrors are left out: they repeat the moves of their leader.
with leader as materialized (
    -- Each fact is read once, not once per move: a list of awards has thousands of moves and megabytes.
    select
        e.position,
        e.type,
        e.fact ->> 'fund' as fund,
        case e.type when 'EntryReversed' then e.fact ->> 'entry' end as entry,
        (e.fact ->> 'booked_on')::date as booked_on,
        e.fact -> 'moves' as moves
    from event as e
    where e.position > %(after)s and e.position <= %(upto)s and not e.fact ? 'mirrors'
)
insert into movement (
    position, seq, fund, type, entry, booked_on, source, target, project, batch, award, payment, fen, amount
)
select
    l.position,
    m.seq,
    l.fund,
    l.type,
    l.entry,
    l.booked_on,
    m.move ->> 'from',
    m.move ->> 'to',
    m.move ->> 'project',
    (m.move ->> 'batch')::integer,
    m.move ->> 'award',
    m.move ->> 'payment',
    (m.move ->> 'fen')::int8multirange,
    fen(m.move ->> 'amount')
from leader as l
cross join lateral jsonb_array_elements(l.moves) with ordinality as m (move, seq)
