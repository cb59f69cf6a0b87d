-- What append_events looks for it finds by index, whatever the planner knows of the tables: planned on an empty log, its
-- statements read all posts and claims for every bundle, until the tables were analyzed. One plan serves all bundles, and
-- each look-up is a subquery of its own, which cannot become a join with a whole table.

-- Appends one bundle, or tells why not: 'known' (a post of it is already recorded) or 'stale' (decided on books that
-- have moved on since). Where the domain's guards and the database's meet.
create or replace function append_events(
    sources text[], ids text[], digests bytea[], firsts int[], lasts int[],  -- the posts, and their events by ordinal
    read_streams text[], read_versions bigint[],  -- every stream that was read, and its version then
    streams text[], versions bigint[], types text[], facts text[],  -- the events, in order
    claim_kinds text[], claim_numbers text[], claim_events int[],
    free_kinds text[], free_numbers text[],  -- the numbers of reversed entries
    serial_before bigint, serial_after bigint
) returns table (outcome text, first_position bigint) language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
    head bigint;
    head_recorded_at timestamptz;
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
        return query select 'known', null::bigint;
        return;
    end if;
    if exists (
        select from unnest(read_streams, read_versions) as r (stream, version)
        where r.version <> coalesce((select max(e.version) from event e where e.stream = r.stream), 0)
    ) or cardinality(claim_kinds) > 0 and exists (
        select from unnest(claim_kinds, claim_numbers) as c (kind, number)
        where (select true from claim where claim.kind = c.kind and claim.number = c.number)
            and (kind, number) not in (select * from unnest(free_kinds, free_numbers))
    ) then
        return query select 'stale', null::bigint;
        return;
    end if;
    if serial_after > serial_before then
        update serial set next = serial_after where next = serial_before;
        if not found then
            return query select 'stale', null::bigint;
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
    insert into event (position, stream, version, type, recorded_at, fact)
    select
        head + e.ordinal, e.stream, e.version, e.type,
        greatest(clock_timestamp(), head_recorded_at), e.fact::jsonb
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
    return query select 'recorded', head + 1;
end
$$;
