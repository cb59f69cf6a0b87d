-- find_key: whose key this is, unless it is revoked.
select name, scopes from api_key where digest = %(digest)s and revoked_at is null
