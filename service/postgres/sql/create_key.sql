-- create_key: create a key: its holder's name, its scopes, and the funds, projects and sources it is limited to.
insert into api_key (name, scopes, funds, projects, sources)
values (%(name)s, %(scopes)s, %(funds)s, %(projects)s, %(sources)s)
