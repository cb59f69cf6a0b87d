-- save_snapshot: keep a long stream's state, unless a later one of the same code is kept already.
insert into snapshot (stream, version, code, state)
values (%(stream)s, %(version)s, %(code)s, %(state)s)
on conflict (stream) do update set version = excluded.version, code = excluded.code, state = excluded.state
where snapshot.code <> excluded.code or snapshot.version < excluded.version
