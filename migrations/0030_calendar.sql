-- calendar_import: the holiday calendars of single years that were imported, each with the State Council's notice as
-- its document. The last import of a year is in force for the events after its position. Kept for ever: an event was
-- decided by the calendars that were in force at its position.
create table calendar_import (
    imported_at timestamptz primary key,  -- each later than the one before: a calendar is known by its last import
    year integer not null check (year between 2004 and 2199),
    days_off date[] not null check (cardinality(days_off) > 0),
    working_weekends date[] not null,
    documents jsonb not null,
    content text not null,  -- the file as it was imported
    file_sha256 bytea not null check (file_sha256 = sha256(convert_to(content, 'UTF8'))),
    actor text not null check (actor <> ''),
    position bigint not null check (position >= 0),  -- the log's last position then
    replaces timestamptz unique check (replaces < imported_at),
    unique (imported_at, year),
    foreign key (replaces, year) references calendar_import (imported_at, year),
    check (not days_off && working_weekends)
);
-- A year has one first import, and an import is replaced at most once: two imports at the same time do not both win.
create unique index calendar_import_first on calendar_import (year) where replaces is null;
create trigger append_only before update or delete or truncate on calendar_import
for each statement execute function refuse_change();

-- Appends one bundle, or returns why not: 'known' (a post of it is already recorded) or 'stale' (decided on states that
-- are not, or no longer, those of the log, or by a calendar that is not, or no longer, the ledger's). All its events
-- get the same time of recording, which is returned.
drop function append_events;
create function append_events(
    sources text[], ids text[], digests bytea[], firsts int[], lasts int[],  -- the posts, and their events by ordinal
    read_streams text[],  -- every stream that was read, and its last event then
    read_versions bigint[], read_positions bigint[], read_times timestamptz[],
    streams text[], versions bigint[], types text[], facts text[],  -- the events, in order
    claim_kinds text[], claim_numbers text[], claim_events int[],
    free_kinds text[], free_numbers text[],  -- the numbers of reversed entries
    serial_before bigint, serial_after bigint,
    calendar_at timestamptz  -- when the last calendar was imported that the decision had; null: none
) returns table (outcome text, first_position bigint, at timestamptz) language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
    head bigint;
    head_recorded_at timestamptz;
    recorded timestamptz;
begin
    -- Any role may have switched this off for its session; an acknowledged event must survive a crash.
    perform set_config('synchronous_commit', 'on', true);
    -- One appender at a time: positions are then dense and in commit order. Everything below is a new statement, so
    -- it sees what the last holder committed.
    perform pg_advisory_xact_lock(7001);

    if exists (
        select from unnest(sources, ids) as p (source, id)
        where (select true from post where post.source = p.source and post.id = p.id)
    ) then
        return query select 'known', null::bigint, null::timestamptz;
        return;
    end if;
    if exists (
        select
        from unnest(read_streams, read_versions, read_positions, read_times) as r (stream, version, position, recorded_at)
        left join lateral (
            select e.version, e.position, e.recorded_at from event as e
            where e.stream = r.stream order by e.version desc limit 1
        ) as last on true
        where (r.version, r.position) <> (coalesce(last.version, 0), coalesce(last.position, 0))
            or r.recorded_at is distinct from last.recorded_at
    ) or cardinality(claim_kinds) > 0 and exists (
        select from unnest(claim_kinds, claim_numbers) as c (kind, number)
        where (select true from claim where claim.kind = c.kind and claim.number = c.number)
            and (kind, number) not in (select * from unnest(free_kinds, free_numbers))
    ) or calendar_at is distinct from (select max(imported_at) from calendar_import) then
        return query select 'stale', null::bigint, null::timestamptz;
        return;
    end if;
    if serial_after > serial_before then
        update serial set next = serial_after where next = serial_before;
        if not found then
            return query select 'stale', null::bigint, null::timestamptz;
            return;
        end if;
    end if;
    if exists (
        select
        from unnest(streams, versions) as e (stream, version)
        left join unnest(read_streams, read_versions) as r (stream, version) using (stream)
        group by e.stream
        having bool_or(r.version is null) or min(e.version) <> min(r.version) + 1
            or max(e.version) - min(e.version) + 1 <> count(*)
    ) then
        raise exception 'versions must follow those that were read, without a gap'
            using errcode = 'integrity_constraint_violation';
    end if;

    select position, recorded_at into head, head_recorded_at from event order by position desc limit 1;
    head := coalesce(head, 0);
    recorded := greatest(clock_timestamp(), head_recorded_at);
    insert into event (position, stream, version, type, recorded_at, fact)
    select head + e.ordinal, e.stream, e.version, e.type, recorded, e.fact::jsonb
    from unnest(streams, versions, types, facts) with ordinality as e (stream, version, type, fact, ordinal);
    insert into post (source, id, digest, first_position, last_position)
    select p.source, p.id, p.digest, head + p.first, head + p.last
    from unnest(sources, ids, digests, firsts, lasts) as p (source, id, digest, first, last);
    if cardinality(free_kinds) > 0 then
        delete from claim as c using unnest(free_kinds, free_numbers) as f (kind, number)
        where c.kind = f.kind and c.number = f.number;
    end if;
    if cardinality(claim_kinds) > 0 then
        insert into claim (kind, number, stream, version)
        select c.kind, c.number, streams[c.event], versions[c.event]
        from unnest(claim_kinds, claim_numbers, claim_events) as c (kind, number, event);
    end if;

    perform pg_notify('ledger_events', (head + cardinality(streams))::text);
    return query select 'recorded', head + 1, recorded;
end
$$;
