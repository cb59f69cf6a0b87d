-- check_claims: all claimed numbers, each with its event's stream and version, in the snapshot of check_events.
select stream, version, kind, number from claim
