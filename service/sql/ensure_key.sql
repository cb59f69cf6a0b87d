-- ensure_key: a demo key by its keyed hash, in place of one of its name whose file was lost.
insert into api_key (name, digest, scopes) values (%(name)s, %(digest)s, %(scopes)s)
on conflict (name) do update set digest = excluded.digest where api_key.digest <> excluded.digest
