-- balance: each movement subtracts its amount from the source account and adds it to the target account.
with leg as (
    select fund, source as account, -amount as amount, project, batch, award
    from movement
    where position > %(after)s and position <= %(upto)s
    union all
    select fund, target, amount, project, batch, award
    from movement
    where position > %(after)s and position <= %(upto)s
), placed as (
    select
        fund,
        account,
        amount,
        case when account in ('pool', 'surrendered') then '' else project end as project,
        case when account in ('pool', 'surrendered') then 0 else batch end as batch,
        case when account in ('pool', 'surrendered', 'line') then '' else award end as award
    from leg
    where account not in ('treasury', 'interest', 'interest_surrendered')
), change as (
    select
        fund,
        project,
        batch,
        award,
        coalesce(sum(amount) filter (where account = 'pool'), 0) as pool,
        coalesce(sum(amount) filter (where account = 'surrendered'), 0) as surrendered,
        coalesce(sum(amount) filter (where account = 'recovered'), 0) as recovered,
        coalesce(sum(amount) filter (where account = 'line'), 0) as line,
        coalesce(sum(amount) filter (where account = 'committed'), 0) as committed,
        coalesce(sum(amount) filter (where account = 'payable'), 0) as payable,
        coalesce(sum(amount) filter (where account = 'in_approval'), 0) as in_approval,
        coalesce(sum(amount) filter (where account = 'in_transit'), 0) as in_transit,
        coalesce(sum(amount) filter (where account = 'paid'), 0) as paid
    from placed
    group by fund, project, batch, award
)
insert into balance (
    fund, project, batch, award,
    pool, surrendered, recovered, line, committed, payable, in_approval, in_transit, paid
)
-- The old row is joined and the final values are inserted, because CHECK constraints are tested on the proposed row
-- before ON CONFLICT applies.
select
    fund,
    project,
    batch,
    award,
    c.pool + coalesce(b.pool, 0),
    c.surrendered + coalesce(b.surrendered, 0),
    c.recovered + coalesce(b.recovered, 0),
    c.line + coalesce(b.line, 0),
    c.committed + coalesce(b.committed, 0),
    c.payable + coalesce(b.payable, 0),
    c.in_approval + coalesce(b.in_approval, 0),
    c.in_transit + coalesce(b.in_transit, 0),
    c.paid + coalesce(b.paid, 0)
from change as c
left join balance as b using (fund, project, batch, award)
on conflict (fund, project, batch, award) do update set
    pool = excluded.pool,
    surrendered = excluded.surrendered,
    recovered = excluded.recovered,
    line = excluded.line,
    committed = excluded.committed,
    payable = excluded.payable,
    in_approval = excluded.in_approval,
    in_transit = excluded.in_transit,
    paid = excluded.paid
