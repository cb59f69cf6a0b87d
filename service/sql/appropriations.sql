-- appropriations: each appropriation of a fund with what became of its own fen: how many days until they were allotted
-- and paid, and what is not spent by the end of the last year in which it may be. Days are of booking dates.
with issued as (
    select a.*, m.booked_on, m.fen
    from appropriation as a
    join movement as m using (position)
    where a.fund = %(fund)s
), flow as (
    select
        i.position, m.booked_on, m.type, m.source, m.target, size(m.fen * i.fen) as amount,
        exists (
            select from movement as back
            where
                back.entry = m.type and back.fen = m.fen and back.position > m.position and back.fund = m.fund
                and back.source = m.target
        ) as undone
    from issued as i
    join movement as m on m.fund = i.fund and m.position >= i.position and m.fen && i.fen
), total as (
    select
        position,
        coalesce(sum(amount) filter (where target = 'treasury'), 0) as reversed,
        min(booked_on) filter (where type = 'FundsAllotted' and not undone) as first_allotted_on,
        max(booked_on) filter (where type = 'FundsAllotted' and not undone) as last_allotted_on,
        min(booked_on) filter (where type = 'PaymentConfirmed' and not undone) as first_paid_on,
        max(booked_on) filter (where type = 'PaymentConfirmed' and not undone) as last_paid_on,
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
