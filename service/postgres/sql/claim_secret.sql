-- claim_secret: make a fingerprint that of this database's secret, unless there is one already.
insert into secret (fingerprint) values (%(fingerprint)s) on conflict do nothing
