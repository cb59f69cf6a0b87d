-- expire_secrets: a key's secrets open it for this long and no longer.
update api_secret
set expires_at = least(expires_at, now() + %(overlap)s)
where name = %(name)s
