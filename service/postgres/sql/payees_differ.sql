-- payees_differ: payments that the bank made to another payee than requested, each with the position of the bank's
-- confirmation.
select p.project, p.payment, p.amount, p.payee, c.position
from payment as p
cross join lateral (
    select max(e.position) as position
    from event as e
    where e.position = any(p.events) and e.type = 'PaymentConfirmed'
) as c
where p.fund = %(fund)s and p.payee_differs
order by p.events[1]
