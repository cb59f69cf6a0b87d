-- ensure_key: a demo key's holder, unless there already.
insert into api_key (name, scopes, funds, projects, sources)
values (%(name)s, %(scopes)s, %(funds)s, %(projects)s, %(sources)s)
on conflict (name) do nothing
