-- payment_moves: every move of the fen that a payment took, in order, with the amount of these fen in each move.
with taken as (
    select fen from movement
    where
        project = %(project)s and batch = %(batch)s and award = %(award)s and payment = %(payment)s
        and (target = 'in_approval' or type = 'UnorderedPaymentFound')
), moves as (
    select * from movement where fund = %(fund)s and project is null
    union all
    select * from movement where project = %(project)s and batch = %(batch)s and award is null
    union all
    select * from movement
    where project = %(project)s and batch = %(batch)s and award = %(award)s
)
select m.position, m.seq, m.fund, m.source as "from", m.target as "to", m.project, m.batch, m.award, m.payment,
    yuan(size(m.fen * t.fen)) as amount, t.fen::text as fen
from moves as m
cross join taken as t
where m.fen && t.fen
order by m.position, m.seq
