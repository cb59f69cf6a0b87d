-- findings: the findings of a fund or project in the order in which they were opened. Each has what it is about, the
-- documents that say so, and who opened and settled it.
with page as (
    select *
    from finding as f
    where
        (f.events[1], f.finding) > (%(position)s, %(name)s)
        and (%(fund)s::text is null or f.fund = %(fund)s)
        and (%(project)s::text is null or f.project = %(project)s)
        and (%(status)s::text is null or f.status = %(status)s)
    order by f.events[1], f.finding
    limit %(limit)s
)
select
    f.stream,
    f.finding,
    f.fund,
    f.project,
    coalesce(o.fact ->> 'award', p.award) as award,
    o.fact ->> 'payment' as payment,
    o.fact ->> 'repeats' as repeats,
    f.kind,
    f.rule,
    f.text,
    f.authority,
    f.found_by,
    case
        when f.rule is null then coalesce(o.fact -> 'documents', '[]')
        else jsonb_path_query_array(o.fact, '$.irregular[*] ? (@.rule == $rule).basis', jsonb_build_object('rule', f.rule))
    end as documents,
    (
        select coalesce(jsonb_agg(about.position order by about.position), '[]')
        from jsonb_array_elements(o.fact -> 'events') as r (reference)
        join event as about
            on about.stream = reference ->> 'stream' and about.version = (reference ->> 'version')::integer
        where o.type = 'FindingRecorded'
    ) as about,
    yuan(f.amount) as amount,
    f.due_on,
    o.type,
    f.opened_on,
    f.opened_by,
    o.fact ->> 'person' as opened_by_person,
    f.status,
    f.how,
    f.settled_on,
    f.settled_by,
    s.fact ->> 'person' as settled_by_person,
    f.settlement,
    coalesce(s.fact -> 'documents', '[]') as settlement_documents,
    f.events
from page as f
join event as o on o.position = f.events[1]
left join payment as p on p.project = f.project and p.payment = o.fact ->> 'payment'
left join lateral (
    select fact from event where position = any(f.events) and type = 'FindingSettled' order by position desc limit 1
) as s on true
order by f.events[1], f.finding
