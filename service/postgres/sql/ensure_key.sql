-- ensure_key: create a demo key unless it exists.
insert into api_key (name, person, scopes, funds, projects, sources)
values (%(name)s, %(person)s, %(scopes)s, %(funds)s, %(projects)s, %(sources)s)
on conflict (name) do nothing
