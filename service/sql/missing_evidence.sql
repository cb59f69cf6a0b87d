-- missing_evidence: citations without the file's SHA-256, and where else the same document is cited with one.
select
    c.position,
    c.seq,
    e.type,
    e.stream,
    e.fact ->> 'occurred_on' as occurred_on,
    c.kind,
    c.number,
    c.title,
    (
        select min(other.position) from citation as other
        where other.plain = c.plain and other.kind = c.kind and other.fund = c.fund and other.sha256 is not null
    ) as evidenced_by
from citation as c
join event as e using (position)
where
    c.fund = %(fund)s
    and c.sha256 is null
    and (c.position, c.seq) > (%(position)s, %(seq)s)
    and (%(kind)s::text is null or c.kind = %(kind)s)
order by c.position, c.seq
limit %(limit)s
