-- check_claims: all claims, each with its event's stream and version, in the snapshot of check_events.
select stream, version, source, kind, number, issuer, own_bank, day, event_day from claim
