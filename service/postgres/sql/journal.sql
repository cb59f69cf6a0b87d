-- journal: every move of a fund's money in the order of booking dates; each is a transaction of two postings.
select
    m.position,
    m.seq,
    m.booked_on,
    m.type,
    m.entry,
    m.source,
    m.target,
    m.project,
    m.batch,
    m.award,
    m.payment,
    m.fen::text as fen,
    yuan(m.amount) as amount
from movement as m
where m.fund = %(fund)s
order by m.booked_on, m.position, m.seq
