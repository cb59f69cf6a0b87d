-- access_changes: every grant and revocation.
select id, at, key, action, by, detail from access_change order by id
