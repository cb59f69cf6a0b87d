-- in_transit: the payments that were instructed up to a day, and not confirmed or failed, as of a position.
select
    e.stream,
    e.version,
    m.position,
    m.type,
    (e.fact ->> 'occurred_on')::date as on,
    m.amount,
    m.payment,
    requested.fact -> 'payee' as payee,
    null as reference,
    jsonb_path_query_first(e.fact, '$.documents[*] ? (@.kind == "支付凭证号").number') #>> '{}' as voucher
from movement as m
join event as e using (position)
join lateral (
    select r.fact
    from movement as a
    join event as r using (position)
    where
        (a.project, a.batch, a.award, a.payment) = (m.project, m.batch, m.award, m.payment)
        and a.type = 'PaymentRequested'
    limit 1
) as requested on true
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
