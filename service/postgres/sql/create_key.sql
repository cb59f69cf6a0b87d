-- create_key: a holder and what they may do.
insert into api_key (name, scopes, funds, projects, sources)
values (%(name)s, %(scopes)s, %(funds)s, %(projects)s, %(sources)s)
