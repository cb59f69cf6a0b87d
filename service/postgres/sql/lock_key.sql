-- lock_key: lock a key that is in force until the transaction ends, and return when the last of its secrets expires.
select
    name,
    (
        select case when bool_and(s.expires_at is not null) then max(s.expires_at) end
        from api_secret as s
        where s.name = k.name
    ) as expires_at
from api_key as k
where name = %(name)s and revoked_at is null
for update
