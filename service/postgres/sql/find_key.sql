-- find_key: the key that a secret belongs to, whether it is in force, and whether its last use was more than a minute
-- ago.
select
    k.name, k.person, k.scopes, k.funds, k.projects, k.sources,
    k.revoked_at is null and coalesce(s.expires_at > now(), true) as in_force,
    coalesce(s.last_used_at < now() - interval '1 minute', true) as use_is_news
from api_secret as s
join api_key as k using (name)
where s.digest = %(digest)s
