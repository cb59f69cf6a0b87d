-- origin_change: what the movements of each booking date changed in each account of the fen of one appropriation, in
-- every block of ten thousand positions. The first appropriation of a fund has no rows: its fen are those that the
-- others have not, and most funds have no others.
with first as materialized (
    select f.fund, a.bound
    from (select distinct fund from movement where position > %(after)s and position <= %(upto)s) as f
    cross join lateral (
        select first_fen + amount as bound from appropriation where fund = f.fund order by version limit 1
    ) as a
), moved as materialized (
    select
        m.fund,
        (m.position - 1) / 10000 as block,
        m.booked_on,
        m.source,
        m.target,
        greatest(lower(fen.range), first.bound) as first,
        upper(fen.range) as bound
    from movement as m
    join first using (fund)
    cross join lateral unnest(m.fen) as fen (range)
    where
        m.position > %(after)s
        and m.position <= %(upto)s
        and upper(m.fen) > first.bound
        and upper(fen.range) > first.bound
), part as (
    select a.version, m.*, least(m.bound, a.first_fen + a.amount) - greatest(m.first, a.first_fen) as amount
    from moved as m
    -- The appropriations whose fen are among those moved: consecutive ones, found by index.
    cross join lateral (
        select version, first_fen, amount
        from appropriation
        where
            first_fen < m.bound
            and first_fen >= coalesce((select max(first_fen) from appropriation where first_fen <= m.first), m.first)
    ) as a
    where a.first_fen + a.amount > m.first
)
insert into origin_change (fund, block, version, account, booked_on, change)
select fund, block, version, leg.account, booked_on, sum(leg.change)
from part
cross join lateral (values (source, -amount), (target, amount)) as leg (account, change)
where leg.account <> 'treasury'
group by 1, 2, 3, 4, 5
on conflict (fund, block, version, account, booked_on) do update set
    change = origin_change.change + excluded.change
