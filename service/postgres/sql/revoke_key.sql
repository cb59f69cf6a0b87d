-- revoke_key: from now on it opens nothing.
update api_key set revoked_at = now() where name = %(name)s and revoked_at is null
