-- A state is identified by the last event that it contains (version, position and time of recording), not by its version
-- alone: after a failover that lost commits, or a restore under a running service, other events may have the versions of
-- the lost ones, and a decision on the lost history would be recorded after them.

-- Appends one bundle, or returns why not: 'known' (a post of it is already recorded) or 'stale' (decided on states that
-- are not, or no longer, those of the log). All its events get the same time of recording, which is returned.
drop function append_events;
create function append_events(
    sources text[], ids text[], digests bytea[], firsts int[], lasts int[],  -- the posts, and their events by ordinal
    read_streams text[],  -- every stream that was read, and its last event then
    read_versions bigint[], read_positions bigint[], read_times timestamptz[],
    streams text[], versions bigint[], types text[], facts text[],  -- the events, in order
    claim_kinds text[], claim_numbers text[], claim_events int[],
    free_kinds text[], free_numbers text[],  -- the numbers of reversed entries
    serial_before bigint, serial_after bigint
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
    ) then
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

-- A snapshot names its last event too. Those that are there do not: they are derived, and are saved again when needed.
truncate snapshot;
alter table snapshot add column position bigint not null, add column recorded_at timestamptz not null;

-- What is surrendered has left the fund: it is no longer among the issued fen, but in a lot of its own. Before, a second
-- surrender of the same fen was not noticed.
alter table lot drop constraint lot_depth_check;
alter table lot add constraint lot_depth_check check (depth in ('issued', 'surrendered', 'allotted', 'awarded'));
alter table lot add constraint surrendered_once exclude using gist (fen with &&) where (depth = 'surrendered')
    deferrable initially deferred;
