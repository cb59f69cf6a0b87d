-- lock_key: lock a key until the transaction ends, and return the person whom it names, when it was revoked, when the
-- last of its secrets expires, and whether that is past.
select
    k.name,
    k.person,
    k.revoked_at,
    s.expires_at,
    coalesce(s.expires_at <= now(), false) as expired
from api_key as k
cross join lateral (
    select case when bool_and(each.expires_at is not null) then max(each.expires_at) end as expires_at
    from api_secret as each
    where each.name = k.name
) as s
where k.name = %(name)s
for update of k
