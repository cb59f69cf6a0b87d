-- note_access_change: record a grant or a revocation permanently.
insert into access_change (key, action, by, detail) values (%(key)s, %(action)s, %(by)s, %(detail)s)
