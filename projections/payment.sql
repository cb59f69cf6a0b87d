-- payment: each request, and where its later steps have brought it.
with step as (
    select
        substr(e.stream, length('project/') + 1) as project,
        e.fact ->> 'payment' as payment,
        e.position,
        e.type,
        e.fact,
        (e.fact ->> 'occurred_on')::date as occurred_on
    from event as e
    where
        e.position > %(after)s
        and e.position <= %(upto)s
        and e.type in (
            'PaymentRequested', 'PaymentApproved', 'PaymentRejected', 'PaymentCancelled', 'PaymentInstructed',
            'PaymentConfirmed', 'PaymentFailed', 'PaymentReturned'
        )
), change as (
    select
        project,
        payment,
        (array_agg(type order by position desc))[1] as last_type,
        (array_agg(fact order by position desc))[1] as last_fact,
        (array_agg(fact) filter (where type = 'PaymentRequested'))[1] as requested,
        (array_agg(fact) filter (where type = 'PaymentInstructed'))[1] as instructed,
        (array_agg(fact) filter (where type = 'PaymentConfirmed'))[1] as confirmed,
        coalesce(sum(fen(fact ->> 'amount')) filter (where type = 'PaymentReturned'), 0) as returned,
        array_agg(position order by position) as events
    from step
    group by project, payment
), final as (
    select
        project,
        payment,
        coalesce(c.requested ->> 'fund', p.fund) as fund,
        coalesce(c.requested ->> 'award', p.award) as award,
        coalesce((c.requested ->> 'batch')::integer, p.batch) as batch,
        coalesce(fen(c.requested ->> 'amount'), p.amount) as amount,
        c.last_type,
        c.last_fact,
        coalesce(c.confirmed #>> '{payee,name}', c.requested #>> '{payee,name}', p.payee) as payee,
        case
            when c.confirmed is not null then c.confirmed #>> '{payee,uscc}'
            else coalesce(c.requested #>> '{payee,uscc}', p.payee_uscc)
        end as payee_uscc,
        coalesce(
            c.confirmed #>> '{payee,account,last4}', c.requested #>> '{payee,account,last4}', p.payee_account
        ) as payee_account,
        coalesce((c.confirmed ->> 'payee_differs')::boolean, p.payee_differs, false) as payee_differs,
        coalesce((c.requested ->> 'occurred_on')::date, p.requested_on) as requested_on,
        coalesce((c.instructed ->> 'occurred_on')::date, p.instructed_on) as instructed_on,
        coalesce(
            jsonb_path_query_first(c.instructed, '$.documents[*] ? (@.kind == "支付凭证号").number') #>> '{}', p.voucher
        ) as voucher,
        coalesce((c.confirmed ->> 'occurred_on')::date, p.confirmed_on) as confirmed_on,
        coalesce(
            jsonb_path_query_first(c.confirmed, '$.documents[*] ? (@.kind == "流水号").number') #>> '{}',
            p.bank_reference
        ) as bank_reference,
        coalesce(p.returned, 0) + c.returned as returned,
        coalesce(p.events, '{}') || c.events as events
    from change as c
    left join payment as p using (project, payment)
)
insert into payment (
    project, payment, fund, award, batch, amount, status, payee, payee_uscc, payee_account, payee_differs,
    requested_on, instructed_on, voucher, confirmed_on, bank_reference, returned, events
)
select
    project, payment, fund, award, batch, amount,
    case last_type
        when 'PaymentRequested' then 'requested'
        when 'PaymentApproved' then case when (last_fact ->> 'final')::boolean then 'approved' else 'requested' end
        when 'PaymentRejected' then 'rejected'
        when 'PaymentCancelled' then 'cancelled'
        when 'PaymentInstructed' then 'instructed'
        when 'PaymentConfirmed' then 'confirmed'
        when 'PaymentFailed' then 'failed'
        when 'PaymentReturned' then case when returned = amount then 'returned' else 'confirmed' end
    end,
    payee, payee_uscc, payee_account, payee_differs,
    requested_on, instructed_on, voucher, confirmed_on, bank_reference, returned, events
from final
on conflict (project, payment) do update set
    status = excluded.status,
    payee = excluded.payee,
    payee_uscc = excluded.payee_uscc,
    payee_account = excluded.payee_account,
    payee_differs = excluded.payee_differs,
    instructed_on = excluded.instructed_on,
    voucher = excluded.voucher,
    confirmed_on = excluded.confirmed_on,
    bank_reference = excluded.bank_reference,
    returned = excluded.returned,
    events = excluded.events
