-- check_claims: all numbers in use, and by which event.
select stream, version, kind, number from claim
