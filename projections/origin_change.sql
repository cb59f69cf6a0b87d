-- origin_change: what the movements of each booking date changed in each account of the fen of one appropriation, in
-- every block of ten thousand positions.
with moved as materialized (
    select
        m.fund,
        (m.position - 1) / 10000 as block,
        m.booked_on,
        m.source,
        m.target,
        lower(fen.range) as first,
        upper(fen.range) as bound
    from movement as m
    cross join lateral unnest(m.fen) as fen (range)
    where m.position > %(after)s and m.position <= %(upto)s
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
