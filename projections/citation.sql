-- citation: every document that an event cites.
insert into citation (position, seq, fund, kind, number, plain, title, issuer, date, sha256)
select
    e.position,
    d.seq,
    e.fact ->> 'fund',
    d.document ->> 'kind',
    d.document ->> 'number',
    document_number(d.document ->> 'number'),
    d.document ->> 'title',
    d.document ->> 'issuer',
    (d.document ->> 'date')::date,
    d.document ->> 'sha256'
from event as e
cross join lateral jsonb_array_elements(e.fact -> 'documents') with ordinality as d (document, seq)
where
    e.position > %(after)s
    and e.position <= %(upto)s
    and e.fact ? 'documents'
    and not e.fact ? 'mirrors'
