-- journal_now: the balance of each account by project and batch, from the table of balances.
select account, project, batch, yuan(sum(amount)) as amount
from (
    select
        account,
        case when account in ('pool', 'surrendered') then null else project end as project,
        case when account in ('pool', 'surrendered') then null else batch end as batch,
        amount
    from balance
    cross join lateral (
        values
            ('pool', pool), ('surrendered', surrendered), ('recovered', recovered), ('line', line),
            ('committed', committed), ('payable', payable), ('in_approval', in_approval), ('in_transit', in_transit),
            ('paid', paid)
    ) as held (account, amount)
    where fund = %(fund)s
) as held
where (project is null) = (account in ('pool', 'surrendered')) and coalesce(project, '-') <> ''
group by account, project, batch
order by account, project, batch
