-- check_claims: all claimed numbers, each with its event's stream and version.
select stream, version, kind, number from claim
