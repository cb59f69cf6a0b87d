-- balances_by_month: what changed in each month of booking dates in which anything changed: each account, and what was
-- awarded, paid, returned and recovered. The amounts of all months add up to the balances.
with month as (
    select distinct date_trunc('month', booked_on)::date as first_day
    from (
        select booked_on from batch_change where fund = %(fund)s
        union all
        select booked_on from plan where fund = %(fund)s
    ) as booked
    where booked_on <= coalesce(%(booked_on)s::date, booked_on)
), standing as (
    select m.first_day, s.*
    from month as m
    cross join lateral (
        select
            sum(planned) as planned, sum(allotted) as allotted, sum(line) as line, sum(committed) as committed,
            sum(payable) as payable, sum(in_approval) as in_approval, sum(in_transit) as in_transit, sum(paid) as paid,
            sum(pool) as pool, sum(recovered) as recovered, sum(surrendered) as surrendered
        from standing_at(
            %(fund)s, %(position)s, least((m.first_day + interval '1 month - 1 day')::date, %(booked_on)s::date)
        )
    ) as s
), back as (
    -- An award's money leaves it only to its line, or by what is paid and comes back to the fund. It gets money that it
    -- was not awarded if a payment that nobody ordered took money of its line, or of the pool. The interest that comes
    -- with a recovery is not the fund's money.
    select
        date_trunc('month', booked_on)::date as first_day,
        sum(case 'PaymentReturned' when type then amount when entry then -amount else 0 end) as returned,
        sum(case 'RecoveryReceived' when type then amount when entry then -amount else 0 end) as received,
        sum(case 'recovered' when target then amount when source then -amount else 0 end) as to_fund,
        sum(
            case
                when 'UnorderedPaymentFound' not in (type, coalesce(entry, type)) then 0
                when source in ('line', 'pool') then amount
                when target in ('line', 'pool') then -amount
                else 0
            end
        ) as not_awarded
    from movement
    where
        fund = %(fund)s
        and coalesce(entry, type) in ('PaymentReturned', 'RecoveryReceived', 'UnorderedPaymentFound')
        and 'paid' in (source, target)
        and position <= coalesce(%(position)s::bigint, position)
        and booked_on <= coalesce(%(booked_on)s::date, booked_on)
    group by 1
), change as (
    select
        s.first_day,
        s.paid as paid_to_date,
        s.planned - lag(s.planned, 1, 0) over by_month as planned,
        s.allotted - lag(s.allotted, 1, 0) over by_month as allotted,
        s.line - lag(s.line, 1, 0) over by_month as line,
        s.committed - lag(s.committed, 1, 0) over by_month as committed,
        s.payable - lag(s.payable, 1, 0) over by_month as payable,
        s.in_approval - lag(s.in_approval, 1, 0) over by_month as in_approval,
        s.in_transit - lag(s.in_transit, 1, 0) over by_month as in_transit,
        s.paid - lag(s.paid, 1, 0) over by_month as paid,
        s.pool - lag(s.pool, 1, 0) over by_month as pool,
        s.recovered - lag(s.recovered, 1, 0) over by_month as recovered,
        s.surrendered - lag(s.surrendered, 1, 0) over by_month as surrendered,
        coalesce(b.returned, 0) as returned,
        coalesce(b.received, 0) as received,
        coalesce(b.to_fund, 0) as to_fund,
        coalesce(b.not_awarded, 0) as not_awarded
    from standing as s
    left join back as b using (first_day)
    window by_month as (order by s.first_day)
)
select
    to_char(first_day, 'YYYY-MM') as month,
    yuan(allotted + pool + recovered + surrendered) as appropriated,
    figures(planned, allotted, line, committed, payable, in_approval, in_transit, paid) as figures,
    yuan(pool) as pool,
    yuan(recovered) as recovered,
    yuan(surrendered) as surrendered,
    yuan(committed + payable + in_approval + in_transit + paid + to_fund - not_awarded) as awarded,
    yuan(paid + returned + received) as confirmed,
    yuan(returned) as returned,
    yuan(received) as recovery_received,
    yuan(paid_to_date) as paid_to_date
from change
where
    (planned, allotted, line, committed, payable, in_approval, in_transit, paid, pool, recovered, surrendered, returned, received)
    <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
order by first_day
