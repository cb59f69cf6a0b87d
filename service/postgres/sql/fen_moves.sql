-- fen_moves: every move of one fen, in order. They are found through the lots that ever had the fen.
with place as (
    select distinct fund, depth, project, batch, award from lot where ever @> %(serial)s::bigint
)
select m.position, m.seq, m.fund, m.source as "from", m.target as "to", m.project, m.batch, m.award, m.payment,
    yuan(m.amount) as amount
from place as p
join movement as m on m.fund = p.fund and m.project is null
where p.depth = 'issued' and m.fen @> %(serial)s::bigint
union all
select m.position, m.seq, m.fund, m.source, m.target, m.project, m.batch, m.award, m.payment, yuan(m.amount)
from place as p
join movement as m on m.project = p.project and m.batch = p.batch and m.award is null
where p.depth = 'allotted' and m.fen @> %(serial)s::bigint
union all
select m.position, m.seq, m.fund, m.source, m.target, m.project, m.batch, m.award, m.payment, yuan(m.amount)
from place as p
join movement as m on m.project = p.project and m.batch = p.batch and m.award = p.award
where p.depth = 'awarded' and m.fen @> %(serial)s::bigint
order by position, seq
