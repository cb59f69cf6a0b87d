-- payees_differ: payments that the bank made to somebody else than was asked.
select project, payment, amount, payee, events[cardinality(events)] as position
from payment
where fund = %(fund)s and payee_differs
order by events[1]
