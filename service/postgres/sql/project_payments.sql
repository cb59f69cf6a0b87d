-- project_payments: the number and the amount of one project's payments by status.
select status, count(*) as payments, yuan(sum(amount)) as amount
from payment
where fund = %(fund)s and project = %(project)s
group by status
order by min(requested_on), status
