-- cash: the entries that a statement shows, as the books stood at a position, less what was reversed of them; those
-- cleared from `first` to `last`. The voucher of a payment is that of its instruction, the payee whom the bank named.
with moved as (
    select position, type, project, batch, award, payment, sum(amount) as amount
    from movement
    where
        fund = %(fund)s
        and position <= %(position)s
        and type = any(%(types)s)
        and source <> 'pool'
        and booked_on >= %(first)s::date - 366
    group by position, type, project, batch, award, payment
), undone as (
    select e.stream, (e.fact ->> 'version')::bigint as version, sum(m.amount) as amount
    from movement as m
    join event as e using (position)
    where m.fund = %(fund)s and m.position <= %(position)s and m.type = 'EntryReversed' and m.entry = any(%(types)s)
    group by 1, 2
), entry as (
    select
        e.stream,
        e.version,
        m.position,
        m.type,
        coalesce(e.fact ->> 'cleared_on', e.fact ->> 'occurred_on')::date as on,
        (m.amount - coalesce(u.amount, 0))::bigint as amount,
        e.fact,
        m.project,
        m.batch,
        m.award,
        m.payment
    from moved as m
    join event as e using (position)
    left join undone as u using (stream, version)
)
select
    n.stream,
    n.version,
    n.position,
    n.type,
    n.on,
    n.amount,
    n.payment,
    coalesce(n.fact -> 'payee', confirmed.fact -> 'payee') as payee,
    jsonb_path_query_first(n.fact, '$.documents[*] ? (@.kind == "流水号").number') #>> '{}' as reference,
    case n.type
        when 'PaymentConfirmed'
            then jsonb_path_query_first(instructed.fact, '$.documents[*] ? (@.kind == "支付凭证号").number') #>> '{}'
        else jsonb_path_query_first(
            n.fact, '$.documents[*] ? (@.kind == "退回通知书" || @.kind == "缴款书").number'
        ) #>> '{}'
    end as voucher
from entry as n
left join lateral (
    select e.fact
    from movement as m
    join event as e using (position)
    where
        (m.project, m.batch, m.award, m.payment) = (n.project, n.batch, n.award, n.payment)
        and m.type = 'PaymentInstructed'
        and m.position < n.position
    order by m.position desc
    limit 1
) as instructed on true
left join lateral (
    select e.fact
    from movement as m
    join event as e using (position)
    where
        (m.project, m.batch, m.award, m.payment) = (n.project, n.batch, n.award, n.payment)
        and m.type = 'PaymentConfirmed'
        and m.position < n.position
        and n.type <> 'PaymentConfirmed'
    order by m.position desc
    limit 1
) as confirmed on true
where n.amount > 0 and n.on between %(first)s and %(last)s
order by n.position
