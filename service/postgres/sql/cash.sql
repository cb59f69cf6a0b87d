-- cash: a fund's entries that a statement shows, cleared from `first` to `last`, as of a position. Amounts are net of
-- reversals, and include interest. The voucher of a payment is that of its instruction; its payee is the one that the
-- bank confirmed.
with moved as (
    select position, max(project) as project, max(batch) as batch, max(award) as award, max(payment) as payment,
        sum(amount) as amount
    from movement
    where
        fund = %(fund)s
        and position <= %(position)s
        and type = any(%(types)s)
        and (source, target) <> ('pool', 'surrendered')
        and booked_on >= %(first)s::date - 366
    group by position
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
        e.position,
        e.type,
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
    stream,
    version,
    -- Whether an accepted statement of other days matched the entry: then a line of these days is another payment.
    exists (
        select
        from reconciliation as r
        join event as accepted on accepted.position = r.events[1]
        where
            r.fund = %(fund)s
            and r.events[1] <= %(position)s
            and coalesce(r.events[2] > %(position)s, true)
            and r.file_sha256 <> %(file_sha256)s
            and n.on between r.first_day - 31 and r.last_day + 31
            and not n.on between %(statement_first)s and %(statement_last)s
            and accepted.fact -> 'matches' @> jsonb_build_array(
                jsonb_build_object('entries', jsonb_build_array(jsonb_build_object('stream', n.stream, 'version', n.version)))
            )
    ) as settled,
    position,
    type,
    n.on,
    amount,
    payment,
    coalesce(
        fact -> 'payee', last_step(project, batch, award, payment, 'PaymentConfirmed', position) -> 'payee'
    ) as payee,
    array(
        select distinct v.name
        from award as a
        join recipient_rename as r using (project, application)
        cross join lateral (values (r.old_name), (r.new_name)) as v (name)
        where a.project = n.project and a.award = n.award and r.status = 'recorded'
    ) as former,
    number_of(fact, '流水号') as reference,
    case type
        when 'PaymentConfirmed'
            then number_of(last_step(project, batch, award, payment, 'PaymentInstructed', position), '支付凭证号')
        else number_of(fact, '退回通知书', '缴款书')
    end as voucher
from entry as n
where n.amount > 0 and n.on between %(first)s and %(last)s
order by position
