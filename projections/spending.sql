-- spending: what happened to the fen of each appropriation, by booking date. A reversal of an allotment or of a payment
-- counts on the date of the entry that it reverses. So the days with allotted fen are those of standing allotments.
with moved as materialized (
    select
        m.source,
        m.target,
        coalesce(m.entry, m.type) as entry,
        case m.type when 'EntryReversed' then -1 else 1 end as sign,
        coalesce(undone.booked_on, m.booked_on) as booked_on,
        lower(fen.range) as first,
        upper(fen.range) as bound
    from movement as m
    cross join lateral unnest(m.fen) as fen (range)
    left join lateral (
        select (undone.fact ->> 'booked_on')::date as booked_on
        from event as e
        join event as undone on undone.stream = e.stream and undone.version = (e.fact ->> 'version')::bigint
        where m.type = 'EntryReversed' and e.position = m.position
    ) as undone on true
    where
        m.position > %(after)s
        and m.position <= %(upto)s
        and (
            coalesce(m.entry, m.type) in ('FundsAllotted', 'PaymentConfirmed')
            or m.target = 'treasury'
            or 'paid' in (m.source, m.target)
            or 'surrendered' in (m.source, m.target)
        )
), part as (
    select
        a.fund,
        a.version,
        m.*,
        least(m.bound, a.first_fen + a.amount) - greatest(m.first, a.first_fen) as amount
    from moved as m
    -- The appropriations whose fen are among those moved: consecutive ones, found by index.
    cross join lateral (
        select fund, version, first_fen, amount
        from appropriation
        where
            first_fen < m.bound
            and first_fen >= coalesce((select max(first_fen) from appropriation where first_fen <= m.first), m.first)
    ) as a
    where a.first_fen + a.amount > m.first
)
insert into spending (fund, version, booked_on, allotted, confirmed, reversed, paid, surrendered)
select
    fund,
    version,
    booked_on,
    sum(case entry when 'FundsAllotted' then sign * amount else 0 end),
    sum(case entry when 'PaymentConfirmed' then sign * amount else 0 end),
    sum(case target when 'treasury' then amount else 0 end),
    sum(case when target = 'paid' then amount when source = 'paid' then -amount else 0 end),
    sum(case when target = 'surrendered' then amount when source = 'surrendered' then -amount else 0 end)
from part
group by fund, version, booked_on
on conflict (fund, version, booked_on) do update set
    allotted = spending.allotted + excluded.allotted,
    confirmed = spending.confirmed + excluded.confirmed,
    reversed = spending.reversed + excluded.reversed,
    paid = spending.paid + excluded.paid,
    surrendered = spending.surrendered + excluded.surrendered
