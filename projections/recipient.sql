-- recipient: each recipient that a project has ever had an award for, with the account that was to be paid, and whether
-- other projects of the fund have had it too, or other recipients the account. No row is removed, not even by a
-- reversal: alerts look up in the tables of awards and waivers what is true now.
with list as materialized (
    -- The fund is read once from each list, not once per award on it.
    select fact ->> 'fund' as fund, stream, fact -> 'awards' as awards
    from event
    where position > %(after)s and position <= %(upto)s and type = 'AwardListDecided'
), named as (
    select l.fund, l.stream, each.award -> 'payee' as payee
    from list as l
    cross join lateral jsonb_array_elements(l.awards) as each (award)
    union all
    select fact ->> 'fund', stream, fact -> 'new'
    from event
    where position > %(after)s and position <= %(upto)s and type in ('PayeeChanged', 'RecipientRenamed')
), new as materialized (
    select distinct
        identity_of(payee) as identity,
        substr(stream, length('project/') + 1) as project,
        coalesce(payee #>> '{account,digest}', '') as digest,
        fund
    from named
), concerned as (
    select identity, project, digest, fund from new
    union
    -- One index lookup per identity and account: a join would be planned as a scan of the whole table, which grows.
    select known.identity, known.project, known.digest, known.fund
    from (select distinct fund, identity from new) as n
    cross join lateral (select * from recipient as r where r.fund = n.fund and r.identity = n.identity offset 0) as known
    union
    select known.identity, known.project, known.digest, known.fund
    from (select distinct fund, digest from new where digest <> '') as n
    cross join lateral (select * from recipient as r where r.fund = n.fund and r.digest = n.digest offset 0) as known
)
insert into recipient (identity, project, digest, fund, elsewhere, shared)
select
    identity,
    project,
    digest,
    fund,
    min(project) over same_identity <> max(project) over same_identity,
    digest <> '' and min(identity) over same_account <> max(identity) over same_account
from concerned
window
    same_identity as (partition by fund, identity),
    same_account as (partition by fund, digest)
on conflict (fund, identity, project, digest) do update set
    elsewhere = recipient.elsewhere or excluded.elsewhere,
    shared = recipient.shared or excluded.shared
where
    (excluded.elsewhere and not recipient.elsewhere)
    or (excluded.shared and not recipient.shared)
