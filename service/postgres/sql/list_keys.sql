-- list_keys: all keys ever created: how many valid secrets each has, when the last of them expires, and when one was
-- last used.
select
    k.name,
    k.person,
    k.scopes,
    k.funds,
    k.projects,
    k.sources,
    k.created_at,
    k.revoked_at,
    count(s.digest) filter (where k.revoked_at is null and coalesce(s.expires_at > now(), true)) as secrets,
    case when bool_and(s.expires_at is not null) then max(s.expires_at) end as expires_at,
    max(s.last_used_at) as last_used_at
from api_key as k
left join api_secret as s using (name)
group by k.name
order by k.created_at, k.name
