-- movement: a copy of each move of each leading event. Mirrors are left out: they repeat the moves of their leader.
insert into movement (
    position, seq, fund, type, entry, booked_on, source, target, project, batch, award, payment, fen, amount
)
select
    e.position,
    m.seq,
    e.fact ->> 'fund',
    e.type,
    case e.type when 'EntryReversed' then e.fact ->> 'entry' end,
    (e.fact ->> 'booked_on')::date,
    m.move ->> 'from',
    m.move ->> 'to',
    m.move ->> 'project',
    (m.move ->> 'batch')::integer,
    m.move ->> 'award',
    m.move ->> 'payment',
    (m.move ->> 'fen')::int8multirange,
    fen(m.move ->> 'amount')
from event as e
cross join lateral jsonb_array_elements(e.fact -> 'moves') with ordinality as m (move, seq)
where e.position > %(after)s and e.position <= %(upto)s and not e.fact ? 'mirrors'
