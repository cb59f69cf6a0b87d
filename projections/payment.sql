-- payment: each request, its status after its last step, and the money returned and recovered. The row of each payment
-- touched in the span is derived again from all its events; reversed entries and reversals are ignored.
with money as materialized (
    select
        project,
        payment,
        position,
        case
            when type = 'PaymentReturned' then amount
            when entry = 'PaymentReturned' then -amount
            else 0
        end as returned,
        case
            when type = 'RecoveryReceived' then amount
            when entry = 'RecoveryReceived' then -amount
            else 0
        end as recovered
    from movement
    where position > %(after)s and position <= %(upto)s and payment is not null
), touch as (
    select project, payment, position, returned, recovered from money
    union all
    select substr(stream, length('project/') + 1), fact ->> 'payment', position, 0, 0
    from event
    where
        position > %(after)s
        and position <= %(upto)s
        and type in ('PaymentApproved', 'RecoveryOrdered')
), touched as materialized (
    select project, payment, array_agg(position order by position) as positions, sum(returned) as returned,
        sum(recovered) as recovered
    from touch
    group by project, payment
), listed as materialized (
    select
        t.project,
        t.payment,
        coalesce(p.events, '{}') || t.positions as events,
        coalesce(p.returned, 0) + t.returned as returned,
        coalesce(p.recovered, 0) + t.recovered as recovered
    from touched as t
    -- One index lookup per payment: a plain join would be planned as a scan of the whole table.
    left join lateral (
        select * from payment as p where p.project = t.project and p.payment = t.payment limit 1
    ) as p on true
), history as materialized (
    select l.project, l.payment, e.position, e.version, e.type, e.fact
    from listed as l
    cross join lateral unnest(l.events) as h (position)
    join event as e on e.position = h.position
), step as materialized (
    select h.*
    from history as h
    left join history as undoing
        on undoing.type = 'EntryReversed'
        and undoing.project = h.project
        and undoing.payment = h.payment
        and (undoing.fact ->> 'version')::bigint = h.version
    where
        h.type in (
            'PaymentRequested', 'PaymentApproved', 'PaymentRejected', 'PaymentCancelled', 'PaymentInstructed',
            'PaymentConfirmed', 'PaymentFailed', 'UnorderedPaymentFound'
        )
        and undoing.position is null
), told as materialized (
    select
        project,
        payment,
        (array_agg(type order by position desc))[1] as last_type,
        (array_agg(fact order by position desc))[1] as last_fact,
        (array_agg(fact) filter (where type in ('PaymentRequested', 'UnorderedPaymentFound')))[1] as requested,
        (array_agg(fact order by position desc) filter (where type = 'PaymentInstructed'))[1] as instructed,
        (array_agg(fact order by position desc) filter (where type in ('PaymentConfirmed', 'UnorderedPaymentFound')))[1]
            as confirmed,
        max(position) filter (where type in ('PaymentConfirmed', 'UnorderedPaymentFound')) as confirmed_position,
        bool_or(type = 'UnorderedPaymentFound') as unordered
    from step
    group by project, payment
)
insert into payment (
    project, payment, fund, award, batch, amount, status, payee, payee_uscc, payee_identity, payee_account,
    payee_differs, requested_on, instructed_on, voucher, confirmed_on, booked_on, bank_reference, returned, recovered,
    requested_position, confirmed_position, unordered, events
)
select
    project,
    payment,
    t.requested ->> 'fund',
    t.requested ->> 'award',
    (t.requested ->> 'batch')::integer,
    fen(t.requested ->> 'amount'),
    case t.last_type
        when 'PaymentRequested' then 'requested'
        when 'PaymentApproved' then case when (t.last_fact ->> 'final')::boolean then 'approved' else 'requested' end
        when 'PaymentRejected' then 'rejected'
        when 'PaymentCancelled' then 'cancelled'
        when 'PaymentInstructed' then 'instructed'
        when 'PaymentFailed' then 'failed'
        else
            case when l.returned = fen(t.requested ->> 'amount') then 'returned' else 'confirmed' end
    end,
    coalesce(t.confirmed, t.requested) #>> '{payee,name}',
    coalesce(t.confirmed, t.requested) #>> '{payee,uscc}',
    coalesce(
        identity_of(t.confirmed -> 'payee'),
        case when (t.confirmed ->> 'payee_differs')::boolean is not true then identity_of(t.requested -> 'payee') end
    ),
    coalesce(t.confirmed, t.requested) #>> '{payee,account,last4}',
    coalesce((t.confirmed ->> 'payee_differs')::boolean, false),
    (t.requested ->> 'occurred_on')::date,
    (t.instructed ->> 'occurred_on')::date,
    jsonb_path_query_first(t.instructed, '$.documents[*] ? (@.kind == "支付凭证号").number') #>> '{}',
    (t.confirmed ->> 'occurred_on')::date,
    (t.confirmed ->> 'booked_on')::date,
    jsonb_path_query_first(t.confirmed, '$.documents[*] ? (@.kind == "流水号").number') #>> '{}',
    l.returned,
    l.recovered,
    l.events[1],
    t.confirmed_position,
    t.unordered,
    l.events
from listed as l
join told as t using (project, payment)
on conflict (project, payment) do update set
    status = excluded.status,
    payee = excluded.payee,
    payee_uscc = excluded.payee_uscc,
    payee_identity = excluded.payee_identity,
    payee_account = excluded.payee_account,
    payee_differs = excluded.payee_differs,
    instructed_on = excluded.instructed_on,
    voucher = excluded.voucher,
    confirmed_on = excluded.confirmed_on,
    booked_on = excluded.booked_on,
    bank_reference = excluded.bank_reference,
    returned = excluded.returned,
    recovered = excluded.recovered,
    confirmed_position = excluded.confirmed_position,
    events = excluded.events
