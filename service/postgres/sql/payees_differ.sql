-- payees_differ: payments that the bank made to another payee than requested, each with the position of the bank's
-- confirmation: the first `limit` of them, and how many there are.
select project, payment, amount, payee, confirmed_position as position, count(*) over () as total
from payment
where fund = %(fund)s and payee_differs
order by requested_position
limit %(limit)s
