-- save_snapshot: save the state of a long stream, unless a later state of the same code is already saved.
insert into snapshot (stream, version, position, nonce, code, state)
values (%(stream)s, %(version)s, %(position)s, %(nonce)s, %(code)s, %(state)s)
on conflict (stream) do update set
    version = excluded.version, position = excluded.position, nonce = excluded.nonce,
    code = excluded.code, state = excluded.state
where snapshot.code <> excluded.code or snapshot.version < excluded.version
