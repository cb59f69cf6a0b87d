-- create_key: create a key: its name, the person who uses it, its scopes, and the funds, projects and sources it is
-- limited to.
insert into api_key (name, person, scopes, funds, projects, sources)
values (%(name)s, %(person)s, %(scopes)s, %(funds)s, %(projects)s, %(sources)s)
