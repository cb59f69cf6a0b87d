-- find_key: the key that a secret belongs to, and whether it is in force. Updates the time of last use at most once a
-- minute.
with found as (
    select s.digest, k.*, k.revoked_at is null and coalesce(s.expires_at > now(), true) as in_force
    from api_secret as s
    join api_key as k using (name)
    where s.digest = %(digest)s
), used as (
    update api_secret as s
    set last_used_at = now()
    from found as f
    where s.digest = f.digest and f.in_force and coalesce(s.last_used_at < now() - interval '1 minute', true)
)
select name, scopes, funds, projects, sources, in_force from found
