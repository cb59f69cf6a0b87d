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

truncate citation;
delete from projection where name = 'citation';
