-- journal_months: the balance of each account by project and batch, at the end of every month in which it changed.
with leg as (
    select date_trunc('month', booked_on)::date as month, source as account, project, batch, -amount as change
    from movement
    where fund = %(fund)s
    union all
    select date_trunc('month', booked_on)::date, target, project, batch, amount
    from movement
    where fund = %(fund)s
), change as (
    select
        month,
        account,
        case when account in ('pool', 'surrendered', 'treasury') then null else project end as project,
        case when account in ('pool', 'surrendered', 'treasury') then null else batch end as batch,
        sum(change) as change
    from leg
    where account <> 'treasury'
    group by 1, 2, 3, 4
)
select
    (month + interval '1 month' - interval '1 day')::date as last_day,
    account,
    project,
    batch,
    yuan(sum(change) over (partition by account, project, batch order by month)) as amount
from change
order by 1, account, project, batch
