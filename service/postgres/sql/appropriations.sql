-- appropriations: a page of a fund's appropriations, with what happened to the fen of each: the days until they were
-- allotted and paid, and the amount not spent by the end of the last year in which they may be spent. Days are between
-- booking dates.
select
    a.position,
    a.version,
    o.source,
    o.name as source_name,
    o.level,
    a.documents,
    a.budget_year,
    a.received_on,
    yuan(a.amount - s.reversed) as amount,
    s.first_allotted_on - a.received_on as days_to_first_allotment,
    s.last_allotted_on - a.received_on as days_to_last_allotment,
    s.first_paid_on - a.received_on as days_to_first_payment,
    s.last_paid_on - a.received_on as days_to_last_payment,
    yuan(s.paid) as paid,
    yuan(s.surrendered) as surrendered,
    yuan(a.amount - s.reversed - s.paid - s.surrendered) as unspent,
    a.carried_out_of,
    spend_by(a.budget_year, a.carried_out_of, f.settings) as spend_by
from appropriation as a
join fund as f using (fund)
join appropriation_source_at(%(fund)s, null, null) as o using (version)
cross join lateral (
    select
        coalesce(sum(reversed), 0) as reversed,
        coalesce(sum(paid), 0) as paid,
        coalesce(sum(surrendered), 0) as surrendered,
        min(booked_on) filter (where allotted > 0) as first_allotted_on,
        max(booked_on) filter (where allotted > 0) as last_allotted_on,
        min(booked_on) filter (where confirmed > 0) as first_paid_on,
        max(booked_on) filter (where confirmed > 0) as last_paid_on
    from spending
    where fund = a.fund and version = a.version
) as s
where a.fund = %(fund)s and a.version > %(after)s
order by a.version
limit %(limit)s
