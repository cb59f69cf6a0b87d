-- fingerprint: the fingerprint of this database's secret; no row if there is none yet.
select fingerprint from secret
