-- claim_secret: the fingerprint of this database's secret, which is the given one if there was none.
with first as (
    insert into secret (fingerprint) values (%(fingerprint)s) on conflict do nothing returning fingerprint
)
select fingerprint from first union all select fingerprint from secret limit 1
