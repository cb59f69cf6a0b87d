-- create_key: a new API key, by its keyed hash.
insert into api_key (name, digest, scopes) values (%(name)s, %(digest)s, %(scopes)s)
