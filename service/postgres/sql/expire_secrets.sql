-- expire_secrets: let a key's secrets expire after `overlap`, or at their earlier expiry.
update api_secret
set expires_at = least(expires_at, now() + %(overlap)s)
where name = %(name)s
