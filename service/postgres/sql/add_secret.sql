-- add_secret: add a secret to a key. `digest` is the secret's keyed hash.
insert into api_secret (digest, name, expires_at) values (%(digest)s, %(name)s, %(expires_at)s)
