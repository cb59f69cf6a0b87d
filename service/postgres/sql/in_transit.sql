-- in_transit: the payments that were instructed by a day and, as of a position, neither confirmed nor failed.
select
    e.stream,
    e.version,
    m.position,
    m.type,
    (e.fact ->> 'occurred_on')::date as on,
    m.amount,
    m.payment,
    last_step(m.project, m.batch, m.award, m.payment, 'PaymentRequested', m.position) -> 'payee' as payee,
    null as reference,
    number_of(e.fact, '支付凭证号') as voucher
from movement as m
join event as e using (position)
where
    m.fund = %(fund)s
    and m.position <= %(position)s
    and m.type = 'PaymentInstructed'
    and (e.fact ->> 'occurred_on')::date between %(first)s::date - 366 and %(last)s
    and not exists (
        select from movement as later
        where
            (later.project, later.batch, later.award, later.payment) = (m.project, m.batch, m.award, m.payment)
            and later.position > m.position
            and later.position <= %(position)s
    )
order by m.position
