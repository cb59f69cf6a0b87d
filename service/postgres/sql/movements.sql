-- movements: every move of a fund's money, in the log's order.
select position, seq, type, entry, booked_on, source as "from", target as "to", project, batch, award, payment,
    fen::text as fen, yuan(amount) as amount
from movement
where
    fund = %(fund)s
    and (position, seq) > (%(position)s, %(seq)s)
    and (%(project)s::text is null or project = %(project)s)
    and (%(batch)s::integer is null or batch = %(batch)s)
    and (%(award)s::text is null or award = %(award)s)
    and (%(payment)s::text is null or payment = %(payment)s)
    and (%(account)s::text is null or %(account)s in (source, target))
    and (%(booked_from)s::date is null or booked_on >= %(booked_from)s)
    and (%(booked_to)s::date is null or booked_on <= %(booked_to)s)
order by position, seq
limit %(limit)s
