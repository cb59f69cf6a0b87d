-- Numbers and names that a reader cannot tell apart are one: dashes of any length, middle dots, brackets around a year.

create or replace function plain(typed text) returns text language sql immutable strict parallel safe
return translate(
    lower(regexp_replace(normalize(typed, nfkc), '\s', '', 'g')), '‐‑‒–—―−⁃ー‧・•⋅', '---------····'
);
reindex table payment;

create or replace function document_number(typed text) returns text language sql immutable strict parallel safe
return regexp_replace(
    plain(typed), '^(.+)[〔\[(【{❲〖〈<《]([0-9]{4})[〕\])】}❳〗〉>》]第?0*([0-9]{1,12})号?$', '\1〔\2〕\3号'
);

with known as (
    select
        kind,
        number,
        case
            when kind in ('支付凭证号', '冲销凭证号', '缴款书', '缴款书（上缴）') then substring(number from '^[0-9]+/')
                || document_number(substring(number from '^[0-9]+/(.*)/[0-9]+$')) || substring(number from '/[0-9]+$')
            else document_number(number)
        end as normal
    from claim
), told as (
    select kind, number, normal, count(*) over (partition by kind, normal) as alike from known
)
update claim set number = t.normal
from told as t
-- Two that were told apart until now stay so: both are recorded, and neither can be posted again as it was.
where claim.kind = t.kind and claim.number = t.number and t.normal <> t.number and t.alike = 1;

-- The notice by which money came back counts once from now on: so do those that are in the log.
insert into claim (kind, number, stream, version)
select
    '退回通知书',
    coalesce(d.document ->> 'year', substring(e.fact ->> 'occurred_on' from 1 for 4)) || '/'
        || document_number(d.document ->> 'number') || '/' || coalesce(d.document ->> 'item', '1'),
    e.stream,
    e.version
from event as e
cross join lateral jsonb_array_elements(e.fact -> 'documents') as d (document)
where
    e.type = 'PaymentReturned'
    and d.document ->> 'kind' = '退回通知书'
    and fen(e.fact ->> 'amount') > coalesce(
        (
            select sum(fen(move ->> 'amount'))
            from event as r
            cross join lateral jsonb_array_elements(r.fact -> 'moves') as m (move)
            where
                r.type = 'EntryReversed'
                and r.stream = e.stream
                and (r.fact ->> 'version')::bigint = e.version
                and not r.fact ? 'mirrors'
        ),
        0
    )
on conflict do nothing;

truncate citation;
delete from projection where name = 'citation';
