-- recoveries: what the payees of one project were ordered to pay back, and the outstanding amount, which is never more
-- than is still paid.
select
    r.recovery, r.payment, p.award, p.batch, r.ordered_on, r.due_on, r.status,
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
where r.fund = %(fund)s and r.project = %(project)s
order by r.events[1]
