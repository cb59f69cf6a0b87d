-- missing_evidence: citations without the file's SHA-256, each with the first event that cites the same document with
-- one.
with page as (
    select position, seq, kind, number, plain, title
    from citation
    where
        fund = %(fund)s
        and sha256 is null
        and (position, seq) > (%(position)s, %(seq)s)
        and (%(kind)s::text is null or kind = %(kind)s)
    order by position, seq
    limit %(limit)s
), evidence as (
    select plain, kind, min(position) as position
    from citation
    where fund = %(fund)s and sha256 is not null and plain in (select plain from page)
    group by plain, kind
)
select p.position, p.seq, e.type, e.stream, e.fact ->> 'occurred_on' as occurred_on, p.kind, p.number, p.title,
    other.position as evidenced_by
from page as p
join event as e using (position)
left join evidence as other on other.plain = p.plain and other.kind = p.kind
order by p.position, p.seq
