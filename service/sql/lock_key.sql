-- lock_key: a key in force, kept from changing until the transaction ends.
select name from api_key where name = %(name)s and revoked_at is null for update
