-- recoveries: what the payees of a fund, or of one of its projects, were ordered to pay back, in the order of the
-- orders, and the outstanding amount, which is never more than is still paid. A `limit` of null gives all.
select
    r.recovery, r.project, r.payment, p.award, p.batch, p.payee, e.fact ->> 'reason' as reason, r.ordered_on,
    e.fact ->> 'actor' as ordered_by,
    e.fact ->> 'person' as ordered_by_person,
    coalesce(e.fact -> 'documents', '[]') as documents,
    r.due_on,
    r.status,
    yuan(r.amount) as amount,
    yuan(r.received) as received,
    yuan(r.waived) as waived,
    yuan(r.lapsed) as lapsed,
    yuan(
        case r.status
            when 'ordered' then least(
                r.amount - r.received - r.waived - r.lapsed,
                case when p.confirmed_on is null then 0 else p.amount - p.returned - p.recovered end
            )
            else 0
        end
    ) as outstanding,
    yuan(r.interest) as interest,
    yuan(r.interest_received) as interest_received,
    yuan(r.interest_waived) as interest_waived,
    r.events
from recovery as r
join payment as p using (project, payment)
join lateral (
    select * from event where position = any(r.events) and type = 'RecoveryOrdered' order by position desc limit 1
) as e on true
where r.fund = %(fund)s and (%(project)s::text is null or r.project = %(project)s) and r.events[1] > %(after)s
order by r.events[1]
limit %(limit)s
