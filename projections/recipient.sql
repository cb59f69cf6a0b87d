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
), among as materialized (
    select
        *,
        min(project) over same_identity <> max(project) over same_identity as elsewhere,
        digest <> '' and min(identity) over same_account <> max(identity) over same_account as shared
    from new
    window
        same_identity as (partition by fund, identity),
        same_account as (partition by fund, digest)
), twice as materialized (
    -- One other row is enough. If there is a row that knows it, all rows of the identity or account know it already.
    select
        n.identity,
        n.project,
        n.digest,
        n.fund,
        n.elsewhere or exists (
            select from recipient as r where r.fund = n.fund and r.identity = n.identity and r.project <> n.project
        ) as elsewhere,
        n.shared or (n.digest <> '' and exists (
            select from recipient as r where r.fund = n.fund and r.digest = n.digest and r.identity <> n.identity
        )) as shared
    from among as n
), concerned as (
    select identity, project, digest, fund, elsewhere, shared from twice
    union all
    select r.identity, r.project, r.digest, r.fund, true, false
    from (select distinct fund, identity from twice where elsewhere) as t
    cross join lateral (
        select *
        from recipient as k
        where
            k.fund = t.fund
            and k.identity = t.identity
            and not exists (
                select from recipient as o where o.fund = t.fund and o.identity = t.identity and o.elsewhere
            )
        offset 0
    ) as r
    union all
    select r.identity, r.project, r.digest, r.fund, false, true
    from (select distinct fund, digest from twice where shared) as t
    cross join lateral (
        select *
        from recipient as k
        where
            k.fund = t.fund
            and k.digest = t.digest
            and not exists (select from recipient as o where o.fund = t.fund and o.digest = t.digest and o.shared)
        offset 0
    ) as r
)
insert into recipient (identity, project, digest, fund, elsewhere, shared)
select identity, project, digest, fund, bool_or(elsewhere), bool_or(shared)
from concerned
group by identity, project, digest, fund
on conflict (fund, identity, project, digest) do update set
    elsewhere = recipient.elsewhere or excluded.elsewhere,
    shared = recipient.shared or excluded.shared
where
    (excluded.elsewhere and not recipient.elsewhere)
    or (excluded.shared and not recipient.shared)
