-- add_secret: one more secret that opens a key, by its keyed hash.
insert into api_secret (digest, name, expires_at) values (%(digest)s, %(name)s, %(expires_at)s)
