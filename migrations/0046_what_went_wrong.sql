-- What went wrong and what stands apart: findings, holds, payments that nobody ordered, and interest.

alter domain account drop constraint account_check;
alter domain account add constraint account_check check (
    value in (
        'treasury', 'pool', 'surrendered', 'interest', 'interest_surrendered', 'recovered', 'line', 'committed',
        'payable', 'in_approval', 'in_transit', 'paid'
    )
);

-- finding: a fault that was recorded, or that an irregular event opened by itself, and what became of it.
create table finding (
    stream text collate "C" not null,
    finding text collate "C" not null,
    fund text collate "C" not null,
    project text collate "C",  -- null: a finding about the fund
    opened_version bigint not null,
    kind text collate "C" not null,
    rule text collate "C",  -- the rule that the irregular event broke; null if it was recorded by hand
    text text collate "C",
    authority text collate "C",
    found_by text collate "C",
    amount bigint,
    due_on date,
    opened_on date not null,
    opened_by text collate "C" not null,
    how text collate "C",
    settled_on date,
    settled_by text collate "C",
    settlement text collate "C",
    status text collate "C" not null check (status in ('open', 'settled', 'reversed')),
    events bigint[] not null,
    primary key (stream, finding)
);
create index finding_fund_idx on finding (fund, (events[1]));

-- hold: money that a court, an inspection or the bureau holds.
create table hold (
    project text collate "C" not null,
    hold text collate "C" not null,
    fund text collate "C" not null,
    award text collate "C",  -- null: the whole project
    amount bigint,  -- null: all of it
    until date,
    authority text collate "C" not null,
    reason text collate "C" not null,
    held_on date not null,
    held_by text collate "C" not null,
    released_on date,
    status text collate "C" not null check (status in ('held', 'released', 'reversed')),
    events bigint[] not null,
    primary key (project, hold)
);
create index hold_fund_idx on hold (fund, (events[1]));

alter table payment add column unordered boolean not null default false;
alter table payment alter column unordered drop default;

alter table recovery
    add column interest bigint not null default 0 check (interest >= 0),
    add column interest_received bigint not null default 0,
    add column interest_waived bigint not null default 0;
alter table recovery
    alter column interest drop default,
    alter column interest_received drop default,
    alter column interest_waived drop default;

-- Interest is rare: its movements are found by this index.
create index movement_interest_idx on movement (fund, position) where source = 'interest' or target = 'interest';

-- As before, but interest takes serials too.
create or replace function append_events(
    sources text[], ids text[], digests bytea[], firsts integer[], lasts integer[], read_streams text[],
    read_versions bigint[], read_positions bigint[], read_nonces bigint[], streams text[], versions bigint[],
    types text[], facts text[], claim_sources text[], claim_kinds text[], claim_numbers text[],
    claim_events integer[], absent_kinds text[], absent_codes text[], free_sources text[], free_kinds text[],
    free_numbers text[], serial_before bigint, serial_after bigint, calendar_at timestamp with time zone
) returns table (outcome text, first_position bigint, nonce bigint)
language plpgsql security definer
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set search_path = pg_catalog, public, pg_temp
as $$
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
        select from unnest(claim_sources, claim_kinds, claim_numbers) as c (source, kind, number)
        where (
            select true from claim
            where claim.source = c.source and claim.kind = c.kind and claim.number = c.number
        ) and (source, kind, number) not in (select * from unnest(free_sources, free_kinds, free_numbers))
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
        delete from claim as c using unnest(free_sources, free_kinds, free_numbers) as f (source, kind, number)
        where c.source = f.source and c.kind = f.kind and c.number = f.number;
    end if;
    if cardinality(claim_kinds) > 0 then
        insert into claim (source, kind, number, stream, version, shared)
        select
            c.source, c.kind, c.number, streams[c.event], versions[c.event],
            count(*) over (partition by c.kind, c.number) > 1
                or (select true from claim where claim.kind = c.kind and claim.number = c.number limit 1) is not null
        from unnest(claim_sources, claim_kinds, claim_numbers, claim_events) as c (source, kind, number, event);
    end if;

    perform pg_notify('ledger_events', (head + cardinality(streams))::text);
    return query select 'recorded', head + 1, new_nonce;
end
$$;

-- As before, without interest, which is not the fund's money.
create or replace function balance_at(at_position bigint, at_booked_on date) returns table (
    fund text, project text, batch integer, award text, pool bigint, surrendered bigint, recovered bigint, line bigint,
    committed bigint, payable bigint, in_approval bigint, in_transit bigint, paid bigint
) language sql stable as $$
    select * from balance where at_position is null and at_booked_on is null
    union all
    select
        fund,
        case when account in ('pool', 'surrendered') then '' else project end,
        case when account in ('pool', 'surrendered') then 0 else batch end,
        case when account in ('pool', 'surrendered', 'line') then '' else award end,
        coalesce(sum(change) filter (where account = 'pool'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'surrendered'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'recovered'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'line'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'committed'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'payable'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'in_approval'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'in_transit'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'paid'), 0)::bigint
    from (
        select fund, project, batch, award, source, target, sum(amount) as amount
        from movement
        where
            (at_position is not null or at_booked_on is not null)
            and position <= coalesce(at_position, position)
            and booked_on <= coalesce(at_booked_on, booked_on)
        group by 1, 2, 3, 4, 5, 6
    ) as moved
    cross join lateral (values (source, -amount), (target, amount)) as leg (account, change)
    where account not in ('treasury', 'interest', 'interest_surrendered')
    group by 1, 2, 3, 4
$$;
