-- claim_secret: the fingerprint of this database's secret. Stores the given fingerprint if there is none yet.
with first as (
    insert into secret (fingerprint) values (%(fingerprint)s) on conflict do nothing returning fingerprint
)
select fingerprint from first union all select fingerprint from secret limit 1
