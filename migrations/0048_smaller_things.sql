-- Smaller things: what tells documents with the same number apart, drafts of plans, and awards that a project lacks.

-- A bank gives its numbers again on another day, and another bank gives them too; a division has its own vouchers. What
-- the citation of a document states of its issuer and day therefore tells documents with the same number apart.

-- All are empty if nothing tells the document apart: then its sender may use the number once in the whole ledger.
alter table claim
    add column issuer text not null default '' collate "C",  -- whom the citation states as the issuer
    add column own_bank text not null default '' collate "C",  -- if it states nobody, the bank of the fund
    add column day text not null default '' collate "C",  -- the date that the citation states
    add column event_day text not null default '' collate "C";  -- if it states none, the day of the event
alter table claim
    drop constraint claim_pkey,
    add primary key (kind, number, source, issuer, own_bank, day, event_day);

-- Whether two claims with the same number may be of the same document; see `Claim.is_same` in domain/documents.py.
create function claims_are_same(
    issuer text, own_bank text, day text, event_day text,
    other_issuer text, other_own_bank text, other_day text, other_event_day text
) returns boolean language sql immutable parallel safe as $$
    select case
        when issuer <> '' and other_issuer <> '' then issuer = other_issuer
        when issuer <> '' or other_issuer <> '' then true
        else own_bank = '' or other_own_bank = '' or own_bank = other_own_bank
    end and case
        when day <> '' and other_day <> '' then day = other_day
        when day <> '' then other_event_day = '' or day <= other_event_day collate "C"
        when other_day <> '' then event_day = '' or other_day <= event_day collate "C"
        else event_day = '' or other_event_day = '' or event_day = other_event_day
    end
$$;

drop function append_events;
create function append_events(
    sources text[], ids text[], digests bytea[], firsts int[], lasts int[],  -- the posts, and their events by ordinal
    read_streams text[],  -- every stream that was read, and its last event then
    read_versions bigint[], read_positions bigint[], read_nonces bigint[],
    streams text[], versions bigint[], types text[], facts text[],  -- the events, in order
    claim_sources text[], claim_kinds text[], claim_numbers text[], claim_events int[],
    claim_issuers text[], claim_own_banks text[], claim_days text[], claim_event_days text[],
    absent_kinds text[], absent_codes text[],  -- codes that the decisions looked up, and that nobody owned
    free_sources text[], free_kinds text[], free_numbers text[],  -- the numbers of reversed entries
    free_issuers text[], free_own_banks text[], free_days text[], free_event_days text[],
    serial_before bigint, serial_after bigint,
    calendar_at timestamptz  -- when the calendar that the decision used was imported
) returns table (outcome text, first_position bigint, nonce bigint) language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
    head bigint;
    head_recorded_at timestamptz;
    recorded timestamptz;
    new_nonce bigint := random_nonce();
begin
    -- Any role may have switched this off for its session; an acknowledged event must survive a crash.
    perform set_config('synchronous_commit', 'on', true);
    -- One appender at a time: positions are then dense and in commit order. Everything below is a new statement, so
    -- it sees what the last holder committed.
    perform lock_appends();

    -- What is used up must be used up by these events: who calls this function may do nothing else with it.
    if cardinality(streams) = 0
        or exists (
            select from unnest(firsts, lasts) as p (first, last)
            where (1 <= first and first <= last and last <= cardinality(streams)) is not true
        )
        or serial_after > serial_before
        and not types && '{AppropriationReceived,InterestReceived,RecoveryReceived}'
        or cardinality(free_kinds) > 0 and 'EntryReversed' <> all (types)
    then
        raise exception 'no events, or others than those that these posts, serials or numbers belong to'
            using errcode = 'integrity_constraint_violation';
    end if;
    if exists (
        select from unnest(sources, ids) as p (source, id)
        where (select true from post where post.source = p.source and post.id = p.id)
    ) then
        return query select 'known', null::bigint, null::bigint;
        return;
    end if;
    if exists (
        select
        from unnest(read_streams, read_versions, read_positions, read_nonces) as r (stream, version, position, nonce)
        left join lateral (
            select e.version, e.position, e.nonce from event as e
            where e.stream = r.stream order by e.version desc limit 1
        ) as last on true
        where (r.version, r.position, r.nonce)
            <> (coalesce(last.version, 0), coalesce(last.position, 0), coalesce(last.nonce, 0))
    ) or cardinality(claim_kinds) > 0 and exists (
        select
        from unnest(
            claim_sources, claim_kinds, claim_numbers, claim_issuers, claim_own_banks, claim_days, claim_event_days
        ) as c (source, kind, number, issuer, own_bank, day, event_day)
        where (
            select true from claim
            where claim.source = c.source and claim.kind = c.kind and claim.number = c.number
                and claims_are_same(
                    claim.issuer, claim.own_bank, claim.day, claim.event_day, c.issuer, c.own_bank, c.day, c.event_day
                )
                and (
                    claim.source, claim.kind, claim.number, claim.issuer, claim.own_bank, claim.day, claim.event_day
                ) not in (
                    select * from unnest(
                        free_sources, free_kinds, free_numbers, free_issuers, free_own_banks, free_days, free_event_days
                    )
                )
            limit 1
        )
    ) or exists (
        select from unnest(absent_kinds, absent_codes) as a (kind, code)
        where (select true from claim where claim.kind = a.kind and claim.number = a.code and claim.source = '')
    ) or calendar_at is distinct from (select max(imported_at) from calendar_import) then
        return query select 'stale', null::bigint, null::bigint;
        return;
    end if;
    if serial_after > serial_before then
        update serial set next = serial_after where next = serial_before;
        if not found then
            return query select 'stale', null::bigint, null::bigint;
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
    insert into event (position, stream, version, type, recorded_at, nonce, fact)
    select head + e.ordinal, e.stream, e.version, e.type, recorded, new_nonce, e.fact::jsonb
    from unnest(streams, versions, types, facts) with ordinality as e (stream, version, type, fact, ordinal);
    insert into post (source, id, digest, first_position, last_position)
    select p.source, p.id, p.digest, head + p.first, head + p.last
    from unnest(sources, ids, digests, firsts, lasts) as p (source, id, digest, first, last);
    if cardinality(free_kinds) > 0 then
        delete from claim as c using unnest(
            free_sources, free_kinds, free_numbers, free_issuers, free_own_banks, free_days, free_event_days
        ) as f (source, kind, number, issuer, own_bank, day, event_day)
        where c.source = f.source and c.kind = f.kind and c.number = f.number and c.issuer = f.issuer
            and c.own_bank = f.own_bank and c.day = f.day and c.event_day = f.event_day;
    end if;
    if cardinality(claim_kinds) > 0 then
        insert into claim (
            source, kind, number, stream, version, shared, issuer, own_bank, day, event_day
        )
        select
            c.source, c.kind, c.number, streams[c.event], versions[c.event],
            count(*) over (partition by c.kind, c.number) > 1
                or (select true from claim where claim.kind = c.kind and claim.number = c.number limit 1) is not null,
            c.issuer, c.own_bank, c.day, c.event_day
        from unnest(
            claim_sources, claim_kinds, claim_numbers, claim_events,
            claim_issuers, claim_own_banks, claim_days, claim_event_days
        ) as c (source, kind, number, event, issuer, own_bank, day, event_day);
        if cardinality(claim_kinds) > 1 and exists (
            select
            from unnest(
                claim_sources, claim_kinds, claim_numbers, claim_events,
                claim_issuers, claim_own_banks, claim_days, claim_event_days
            ) as c (source, kind, number, event, issuer, own_bank, day, event_day)
            join unnest(
                claim_sources, claim_kinds, claim_numbers, claim_events,
                claim_issuers, claim_own_banks, claim_days, claim_event_days
            ) as d (source, kind, number, event, issuer, own_bank, day, event_day) using (source, kind, number)
            where c.event < d.event and claims_are_same(
                c.issuer, c.own_bank, c.day, c.event_day, d.issuer, d.own_bank, d.day, d.event_day
            )
        ) then
            raise exception 'two events use up the same document' using errcode = 'integrity_constraint_violation';
        end if;
    end if;

    perform pg_notify('ledger_events', (head + cardinality(streams))::text);
    return query select 'recorded', head + 1, new_nonce;
end
$$;

-- The last draft of the plan, shown until a plan is adopted.
alter table fund add column draft_position bigint;

-- How many awards fewer than its plan requires a project had when it was closed; null if none, or while it is open.
alter table project add column awards_missing integer;
