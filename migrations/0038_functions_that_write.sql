-- What the web service writes besides the log, as functions: its role may then call these and write no table of them.
-- They become SECURITY DEFINER in privileges.sql, as append_events does.

create function save_snapshot(
    of_stream text, at_version bigint, at_position bigint, at_nonce bigint, by_code text, saved text
) returns void
language sql
as $$
    insert into snapshot as kept (stream, version, position, nonce, code, state)
    select of_stream, at_version, at_position, at_nonce, by_code, saved
    from event as e
    where (e.stream, e.version, e.position, e.nonce) = (of_stream, at_version, at_position, at_nonce)
    on conflict (stream) do update set
        version = excluded.version, position = excluded.position, nonce = excluded.nonce,
        code = excluded.code, state = excluded.state
    where kept.code <> excluded.code or kept.version < excluded.version
$$;

create function delete_snapshot(of_stream text) returns void
language sql
as $$delete from snapshot where stream = of_stream$$;

create function ask_check(asked_by_key text) returns bigint
language sql
as $$
    insert into check_run as waiting (asked_by) values (asked_by_key)
    on conflict ((true)) where started_at is null do update set asked_by = waiting.asked_by
    returning id
$$;
