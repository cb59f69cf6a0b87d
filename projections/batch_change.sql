-- batch_change: what the movements of each booking date changed in each account of a batch, in every block of ten
-- thousand positions.
insert into batch_change (fund, block, project, batch, account, booked_on, change)
select
    fund,
    (position - 1) / 10000,
    coalesce(project, ''),
    coalesce(batch, 0),
    leg.account,
    booked_on,
    sum(leg.change)::bigint
from movement
cross join lateral (values (source, -amount), (target, amount)) as leg (account, change)
where position > %(after)s and position <= %(upto)s and leg.account not in ('treasury', 'interest', 'interest_surrendered')
group by 1, 2, 3, 4, 5, 6
on conflict (fund, block, project, batch, account, booked_on) do update set
    change = batch_change.change + excluded.change
