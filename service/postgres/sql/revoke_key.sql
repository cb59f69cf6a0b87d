-- revoke_key: revoke a key: from now on its secrets are invalid.
update api_key set revoked_at = now() where name = %(name)s and revoked_at is null
