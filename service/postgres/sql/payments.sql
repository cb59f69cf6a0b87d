-- payments: the register of payments in the order of their requests, each with its approvals, voucher, bank slip and
-- payee.
with page as (
    select *
    from payment as p
    where
        p.requested_position > %(after)s
        and (%(fund)s::text is null or p.fund = %(fund)s)
        and (%(project)s::text is null or p.project = %(project)s)
        and (%(award)s::text is null or p.award = %(award)s)
        and (%(batch)s::integer is null or p.batch = %(batch)s)
        and (%(payment)s::text is null or p.payment = %(payment)s)
        and (%(status)s::text is null or p.status = %(status)s)
        and (
            %(payee)s::text is null
            or p.payee_uscc = %(payee)s
            or (p.project, p.payment) in (select w.project, w.payment from payments_named(%(payee)s) as w)
        )
        and (
            %(recipient)s::text is null
            or (p.project, p.payment) in (select w.project, w.payment from payments_of(%(recipient)s) as w)
        )
        and (%(voucher)s::text is null or plain(p.voucher) = plain(%(voucher)s))
        and (%(bank_reference)s::text is null or plain(p.bank_reference) = plain(%(bank_reference)s))
        and (%(confirmed_from)s::date is null or p.confirmed_on >= %(confirmed_from)s)
        and (%(confirmed_to)s::date is null or p.confirmed_on <= %(confirmed_to)s)
    order by p.requested_position
    limit %(limit)s
)
select
    p.project,
    p.payment,
    p.fund,
    p.award,
    p.batch,
    yuan(p.amount) as amount,
    p.status,
    p.payee,
    p.payee_uscc,
    split_part(p.payee_identity, ':', 1) as payee_identity_kind,
    identity_last4(p.payee_identity) as payee_id_last4,
    identity_code(p.payee_identity, 'registration') as payee_registration,
    p.payee_account,
    p.payee_differs,
    p.requested_on,
    r.fact ->> 'actor' as requested_by,
    r.fact ->> 'person' as requested_by_person,
    jsonb_path_query_first(r.fact, '$.documents[*] ? (@.kind == "支付申请编号").number') #>> '{}' as request,
    coalesce(
        (
            select jsonb_agg(
                jsonb_build_object(
                    'position', a.position,
                    'decision', case a.type when 'PaymentApproved' then 'approved' else 'rejected' end,
                    'level', a.fact ->> 'level', 'actor', a.fact ->> 'actor', 'person', a.fact ->> 'person',
                    'distinguished_by', a.fact ->> 'distinguished_by', 'occurred_on', a.fact ->> 'occurred_on'
                ) order by a.position
            )
            from event as a
            where a.position = any(p.events) and a.type in ('PaymentApproved', 'PaymentRejected')
        ),
        '[]'
    ) as approvals,
    p.instructed_on,
    p.voucher,
    p.confirmed_on,
    coalesce(c.fact ->> 'cleared_on', c.fact ->> 'occurred_on') as cleared_on,
    p.booked_on,
    p.bank_reference,
    yuan(p.returned) as returned,
    yuan(p.recovered) as recovered,
    p.unordered,
    case when p.unordered then r.fact ->> 'repeats' end as repeats,
    coalesce(
        (
            select jsonb_agg(mark ->> 'rule' order by e.position)
            from event as e
            cross join lateral jsonb_array_elements(e.fact -> 'irregular') as m (mark)
            where e.position = any(p.events) and e.fact ? 'irregular'
        ),
        '[]'
    ) as irregular,
    p.requested_position,
    p.events
from page as p
join event as r on r.position = p.requested_position
left join event as c on c.position = p.confirmed_position
order by p.requested_position
