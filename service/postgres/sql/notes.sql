-- notes: what was put on record, in the order of the log, each with the documents that it cites and the position of the
-- note that corrects it, if any. The texts are compared in normalized form.
with page as (
    select *
    from note as n
    where
        n.position > %(after)s
        and (%(fund)s::text is null or n.fund = %(fund)s)
        and (%(project)s::text is null or n.project = %(project)s)
        and (%(award)s::text is null or n.award = %(award)s)
        and (%(kind)s::text is null or n.kind = %(kind)s)
        and (%(q)s::text is null or strpos(plain(n.text), plain(%(q)s)) > 0)
    order by n.position
    limit %(limit)s
)
select
    n.position,
    n.fund,
    n.project,
    n.kind,
    n.application,
    n.award,
    n.text,
    n.noted_on,
    e.fact ->> 'actor' as actor,
    e.fact ->> 'person' as person,
    coalesce(e.fact -> 'documents', '[]') as documents,
    (
        select max(later.position)
        from note as later
        where later.fund = n.fund and later.project is not distinct from n.project and later.corrects = n.version
    ) as corrected_by
from page as n
join event as e using (position)
order by n.position
