-- appropriations: each appropriation of a fund, with what happened to its own fen: the days until they were allotted
-- and paid, and the amount not spent by the end of the last year in which they may be spent. Days are between booking
-- dates.
with issued as (
    select a.*, m.booked_on, m.fen
    from appropriation as a
    join movement as m using (position)
    where a.fund = %(fund)s
), undone as (
    -- The fen of each entry that were moved back. A reversal names its entry by the version in their common stream.
    select e.stream, (e.fact ->> 'version')::bigint as version, range_agg(m.fen) as fen
    from movement as m
    join event as e using (position)
    where m.fund = %(fund)s and m.entry in ('FundsAllotted', 'PaymentConfirmed')
    group by 1, 2
), stands as (
    select m.position
    from movement as m
    join event as e using (position)
    left join undone as u using (stream, version)
    where m.fund = %(fund)s and m.type in ('FundsAllotted', 'PaymentConfirmed') and not coalesce(u.fen @> m.fen, false)
), flow as (
    select
        i.position, m.booked_on, m.type, m.source, m.target, size(m.fen * i.fen) as amount,
        s.position is not null as stands
    from issued as i
    join movement as m on m.fund = i.fund and m.position >= i.position and m.fen && i.fen
    left join stands as s on s.position = m.position
), total as (
    select
        position,
        coalesce(sum(amount) filter (where target = 'treasury'), 0) as reversed,
        min(booked_on) filter (where type = 'FundsAllotted' and stands) as first_allotted_on,
        max(booked_on) filter (where type = 'FundsAllotted' and stands) as last_allotted_on,
        min(booked_on) filter (where type = 'PaymentConfirmed' and stands) as first_paid_on,
        max(booked_on) filter (where type = 'PaymentConfirmed' and stands) as last_paid_on,
        coalesce(sum(amount) filter (where target = 'paid'), 0) - coalesce(sum(amount) filter (where source = 'paid'), 0)
            as paid,
        coalesce(sum(amount) filter (where target = 'surrendered'), 0)
            - coalesce(sum(amount) filter (where source = 'surrendered'), 0) as surrendered
    from flow
    group by position
)
select
    i.position,
    i.version,
    i.budget_year,
    i.booked_on as received_on,
    yuan(i.amount - t.reversed) as amount,
    t.first_allotted_on - i.booked_on as days_to_first_allotment,
    t.last_allotted_on - i.booked_on as days_to_last_allotment,
    t.first_paid_on - i.booked_on as days_to_first_payment,
    t.last_paid_on - i.booked_on as days_to_last_payment,
    yuan(t.paid) as paid,
    yuan(t.surrendered) as surrendered,
    yuan(i.amount - t.reversed - t.paid - t.surrendered) as unspent,
    i.carried_out_of,
    make_date(
        -- Logs from before funds had this setting use its default.
        greatest(
            i.budget_year + coalesce((f.settings ->> 'years_to_spend')::integer, 2) - 1, i.carried_out_of + 1
        ),
        12,
        31
    ) as spend_by
from issued as i
join total as t using (position)
join fund as f on f.fund = i.fund
order by i.position
