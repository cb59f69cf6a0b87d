-- citations: the events that cite a document with this number, each with the citation.
select e.position, e.type, e.stream, c.fund, e.fact ->> 'occurred_on' as occurred_on, e.fact ->> 'booked_on' as booked_on,
    e.fact ->> 'actor' as actor, e.fact -> 'documents' -> (c.seq - 1) as document
from citation as c
join event as e using (position)
where
    c.plain = document_number(%(number)s)
    and c.position > %(after)s
    and (%(fund)s::text is null or c.fund = %(fund)s)
    and (%(stream)s::text is null or e.stream = %(stream)s)
    and (%(kind)s::text is null or c.kind = %(kind)s)
order by c.position
fetch first %(limit)s rows with ties
