-- note_access_change: a grant or a revocation, kept for ever.
insert into access_change (key, action, by, detail) values (%(key)s, %(action)s, %(by)s, %(detail)s)
