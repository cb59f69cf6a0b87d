-- list_keys: all keys that ever were.
select name, scopes, created_at, revoked_at from api_key order by created_at, name
