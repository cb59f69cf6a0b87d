-- access_changes: all grants and revocations of access, in order.
select id, at, key, action, by, detail from access_change order by id
