-- project_payments: how many of one project's payments have each status, and their amounts.
select status, count(*) as payments, yuan(sum(amount)) as amount
from payment
where fund = %(fund)s and project = %(project)s
group by status
order by min(requested_on), status
