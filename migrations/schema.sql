-- The whole schema as the migrations leave it: read it here, change it by a new migration.
-- Written by `make schema`; a test fails while it is out of date. What each role may do: privileges.sql.

CREATE DOMAIN public.account AS text
	CONSTRAINT account_check CHECK ((VALUE = ANY (ARRAY['treasury'::text, 'pool'::text, 'surrendered'::text, 'interest'::text, 'interest_surrendered'::text, 'recovered'::text, 'line'::text, 'committed'::text, 'payable'::text, 'in_approval'::text, 'in_transit'::text, 'paid'::text])));

CREATE FUNCTION public.append_events(sources text[], ids text[], digests bytea[], firsts integer[], lasts integer[], read_streams text[], read_versions bigint[], read_positions bigint[], read_nonces bigint[], streams text[], versions bigint[], types text[], facts text[], claim_sources text[], claim_kinds text[], claim_numbers text[], claim_events integer[], claim_issuers text[], claim_own_banks text[], claim_days text[], claim_event_days text[], absent_kinds text[], absent_codes text[], free_sources text[], free_kinds text[], free_numbers text[], free_issuers text[], free_own_banks text[], free_days text[], free_event_days text[], serial_before bigint, serial_after bigint, calendar_at timestamp with time zone) RETURNS TABLE(outcome text, first_position bigint, nonce bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.applications_of(searched text) RETURNS TABLE(project text, application text)
    LANGUAGE sql STABLE
    AS $$
    select project, application from application where identity = searched
    union
    select project, application
    from recipient_rename
    where status = 'recorded' and searched in (old_identity, new_identity)
$$;

CREATE FUNCTION public.appropriation_source_at(of_fund text, at_position bigint, at_booked_on date) RETURNS TABLE(version bigint, source text, name text, level text)
    LANGUAGE sql STABLE
    AS $$
    with listed as (
        select * from plan_source_at(of_fund, at_position, at_booked_on)
    )
    select a.version, coalesce(a.source, l.source), l.name, l.level
    from appropriation as a
    left join listed as l on case when a.source is null then l.rank = 1 else l.source = a.source end
    where a.fund = of_fund
$$;

CREATE FUNCTION public.ask_check(asked_by_key text) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
    insert into check_run as waiting (asked_by) values (asked_by_key)
    on conflict ((true)) where started_at is null do update set asked_by = waiting.asked_by
    returning id
$$;

CREATE FUNCTION public.award_balance_at(of_fund text, of_project text, of_award text, at_position bigint, at_booked_on date) RETURNS TABLE(batch integer, committed bigint, payable bigint, in_approval bigint, in_transit bigint, paid bigint)
    LANGUAGE sql STABLE
    AS $$
    select batch, committed, payable, in_approval, in_transit, paid
    from balance
    where
        at_position is null and at_booked_on is null
        and of_award <> '' and fund = of_fund and project = of_project and award = of_award
    union all
    select
        batch,
        coalesce(sum(change) filter (where account = 'committed'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'payable'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'in_approval'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'in_transit'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'paid'), 0)::bigint
    from movement
    cross join lateral (values (source, -amount), (target, amount)) as leg (account, change)
    where
        (at_position is not null or at_booked_on is not null)
        and of_award <> '' and project = of_project and award = of_award
        and position <= coalesce(at_position, position)
        and booked_on <= coalesce(at_booked_on, booked_on)
    group by batch
$$;

CREATE FUNCTION public.award_counted_at(of_project text, of_award text, events bigint[], at_position bigint, at_booked_on date) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    with decided as materialized (
        select position, case type when 'AwardListDecided' then 1 else -1 end * amount as amount
        from movement
        where
            project = of_project and award = of_award
            and 'AwardListDecided' in (type, entry)
            and position <= coalesce(at_position, position)
            and booked_on <= coalesce(at_booked_on, booked_on)
    ), history as materialized (
        select e.version, e.type, e.fact
        from event as e
        where
            e.position = any(events)
            and e.position <= coalesce(at_position, e.position)
            and e.type in ('AwardDeclined', 'AwardRevoked', 'EntryReversed')
            and e.position not in (select position from decided)
    )
    select coalesce((select sum(amount) from decided), 0) > 0 and not exists (
        select from history
        where
            type <> 'EntryReversed'
            and (fact ->> 'booked_on')::date <= coalesce(at_booked_on, 'infinity')
            and version not in (
                select (fact ->> 'version')::bigint from history
                where type = 'EntryReversed' and (fact ->> 'booked_on')::date <= coalesce(at_booked_on, 'infinity')
            )
    )
$$;

CREATE FUNCTION public.awards_named(searched text) RETURNS TABLE(project text, award text)
    LANGUAGE sql STABLE
    AS $$
    select project, award from award where plain(applicant) = plain(searched)
    union
    select project, award from award where plain(payee) = plain(searched)
    union
    select a.project, a.award
    from recipient_rename as r
    join award as a using (project, application)
    where r.status = 'recorded' and plain(searched) in (plain(r.old_name), plain(r.new_name))
$$;

CREATE FUNCTION public.awards_of(searched text) RETURNS TABLE(project text, award text)
    LANGUAGE sql STABLE
    AS $$
    select project, award from award where identity = searched
    union
    select project, award from award where payee_identity = searched
    union
    select a.project, a.award
    from recipient_rename as r
    join award as a using (project, application)
    where r.status = 'recorded' and searched in (r.old_identity, r.new_identity)
$$;

CREATE FUNCTION public.balance_at(at_position bigint, at_booked_on date) RETURNS TABLE(fund text, project text, batch integer, award text, pool bigint, surrendered bigint, recovered bigint, line bigint, committed bigint, payable bigint, in_approval bigint, in_transit bigint, paid bigint)
    LANGUAGE sql STABLE
    AS $$
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

CREATE FUNCTION public.batch_balance_at(of_fund text, at_position bigint, at_booked_on date) RETURNS TABLE(project text, batch integer, pool bigint, surrendered bigint, recovered bigint, line bigint, committed bigint, payable bigint, in_approval bigint, in_transit bigint, paid bigint)
    LANGUAGE sql STABLE
    AS $$
    select
        project,
        batch,
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
        select project, batch, account, change
        from batch_change
        where
            fund = of_fund
            and (at_position is null or block < at_position / 10000)
            and (at_booked_on is null or booked_on <= at_booked_on)
        union all
        select coalesce(project, ''), coalesce(batch, 0), leg.account, leg.change
        from movement
        cross join lateral (values (source, -amount), (target, amount)) as leg (account, change)
        where
            fund = of_fund
            and position > at_position / 10000 * 10000
            and position <= at_position
            and (at_booked_on is null or booked_on <= at_booked_on)
    ) as changed
    group by project, batch
$$;

CREATE FUNCTION public.checkpoints_after(steps jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    select jsonb_object_agg(checkpoint, jsonb_strip_nulls(jsonb_build_object(
        'status', case type
            when 'AcceptanceRequested' then 'requested'
            when 'AcceptancePassed' then 'passed'
            when 'AcceptanceFailed' then 'failed'
            else 'rectifying'
        end,
        'on', fact ->> 'occurred_on',
        'rectify_by', case type when 'RectificationOrdered' then rectify_by end,
        'conclusion', fact ->> 'conclusion',
        'score', fact ->> 'score',
        'settled', fact ->> 'settled',
        'actuals', fact -> 'actuals'
    )))
    from (
        select
            checkpoint,
            (array_agg(type order by nth desc) filter (where type <> 'ExtensionGranted'))[1] as type,
            (array_agg(fact order by nth desc) filter (where type <> 'ExtensionGranted'))[1] as fact,
            (array_agg(fact ->> 'due_on' order by nth desc) filter (where fact ? 'due_on'))[1] as rectify_by
        from (
            select
                step ->> 'type' as type,
                step -> 'fact' as fact,
                nth,
                case
                    when step -> 'fact' ? 'checkpoint' and not step -> 'fact' ? 'last' then step #>> '{fact,checkpoint}'
                    else 'acceptance'
                end as checkpoint
            from jsonb_array_elements(steps) with ordinality as s (step, nth)
        ) as step
        group by checkpoint
    ) as last
    where type is not null
$$;

CREATE FUNCTION public.checkpoints_listed(names text[], states jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select jsonb_agg(
        jsonb_build_object(
            'checkpoint', name, 'status', coalesce(state ->> 'status', 'none'), 'on', state -> 'on',
            'rectify_by', state -> 'rectify_by', 'conclusion', state -> 'conclusion', 'score', state -> 'score',
            'settled', state -> 'settled', 'actuals', coalesce(state -> 'actuals', '[]')
        ) order by rank
    )
    from (
        select name, rank, states -> case when rank < cardinality(names) then name else 'acceptance' end as state
        from unnest(case when names = '{}' then array['acceptance'] else names end)
            with ordinality as of_line (name, rank)
    ) as named
$$;

CREATE FUNCTION public.claims_are_same(issuer text, own_bank text, day text, event_day text, other_issuer text, other_own_bank text, other_day text, other_event_day text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
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

CREATE FUNCTION public.random_nonce() RETURNS bigint
    LANGUAGE sql
    AS $$
    select 1 + floor(random() * 9007199254740991)::bigint
$$;

CREATE TABLE public.event (
    "position" bigint NOT NULL,
    stream text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    recorded_at timestamp with time zone NOT NULL,
    fact jsonb NOT NULL,
    nonce bigint DEFAULT public.random_nonce() NOT NULL,
    CONSTRAINT event_version_check CHECK ((version > 0))
);

CREATE FUNCTION public.cloudevent(of public.event, source text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (((((((((((((((('{"specversion":"1.0","id":"'::text || (of)."position") || '","source":'::text) || to_json(source)) || ',"type":"'::text) || (of).type) || '","subject":"'::text) || (of).stream) || '","time":"'::text) || to_char(((of).recorded_at AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'::text)) || '","datacontenttype":"application/json","position":'::text) || (of)."position") || ',"streamversion":'::text) || (of).version) || ',"data":'::text) || (of).fact) || '}'::text);

CREATE FUNCTION public.count_refusals() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
    if tg_op = 'INSERT' then
        insert into refusal_total as t (key, kept, bytes)
        select key, count(*), sum(bytes) from written group by key order by key
        on conflict (key) do update set kept = t.kept + excluded.kept, bytes = t.bytes + excluded.bytes;
    elsif exists (select from written) then
        perform from refusal_total where key in (select key from written) order by key for update;
        update refusal_total as t
        set kept = t.kept - w.kept, bytes = t.bytes - w.bytes, dropped = t.dropped + w.kept,
            kept_since = greatest(t.kept_since, w.until)
        from (
            select key, count(*) as kept, sum(bytes) as bytes, max(first_at) as until from written group by key
        ) as w
        where t.key = w.key;
    end if;
    return null;
end
$$;

CREATE FUNCTION public.delete_snapshot(of_stream text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$delete from snapshot where stream = of_stream$$;

CREATE FUNCTION public.fold_case(typed text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN ((typed COLLATE "C") !~ '[\u00c0-\u0556\u10a0-\u10cd\u13f8-\u13fd\u1c80-\u2183\u2c00-\u2cf2\ua640-\ua7f5\uab70-\uabbf\U00010400-\U0001e921]'::text) THEN lower((typed COLLATE "C")) ELSE translate(replace(replace(typed, 'ß'::text, 'ss'::text), 'ẞ'::text, 'ss'::text), (((((((((((((('ABCDEFGHIJKLMNOPQRSTUVWXYZ'::text || 'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞĀĂĄĆĈĊČĎĐĒĔĖĘĚĜĞĠĢĤĦĨĪĬĮĴĶĹĻĽŁŃŅŇŊŌŎŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶŸŹŻŽƁƂƄƆƇƉƊƋƎƏ'::text) || 'ƐƑƓƔƖƗƘƜƝƟƠƢƤƦƧƩƬƮƯƱƲƳƵƷƸƼǍǏǑǓǕǗǙǛǞǠǢǤǦǨǪǬǮǴǶǷǸǺǼǾȀȂȄȆȈȊȌȎȐȒȔȖȘȚȜȞȠȢȤȦȨȪȬȮȰȲȺȻȽȾɁɃɄɅɆɈɊɌɎͅͰͲͶͿΆΈΉΊΌΎ'::text) || 'ΏΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩΪΫςϏϘϚϜϞϠϢϤϦϨϪϬϮϷϺϽϾϿЀЁЂЃЄЅІЇЈЉЊЋЌЍЎЏАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯѠѢѤѦѨѪ'::text) || 'ѬѮѰѲѴѶѸѺѼѾҀҊҌҎҐҒҔҖҘҚҜҞҠҢҤҦҨҪҬҮҰҲҴҶҸҺҼҾӀӁӃӅӇӉӋӍӐӒӔӖӘӚӜӞӠӢӤӦӨӪӬӮӰӲӴӶӸӺӼӾԀԂԄԆԈԊԌԎԐԒԔԖԘԚԜԞԠԢԤԦԨԪԬԮԱԲԳԴԵԶ'::text) || 'ԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖႠႡႢႣႤႥႦႧႨႩႪႫႬႭႮႯႰႱႲႳႴႵႶႷႸႹႺႻႼႽႾႿჀჁჂჃჄჅჇჍᏸᏹᏺᏻᏼᏽᲀᲁᲂᲃᲄᲅᲆᲇᲈᲐᲑᲒᲓᲔᲕᲖᲗᲘᲙᲚᲛᲜ'::text) || 'ᲝᲞᲟᲠᲡᲢᲣᲤᲥᲦᲧᲨᲩᲪᲫᲬᲭᲮᲯᲰᲱᲲᲳᲴᲵᲶᲷᲸᲹᲺᲽᲾᲿḀḂḄḆḈḊḌḎḐḒḔḖḘḚḜḞḠḢḤḦḨḪḬḮḰḲḴḶḸḺḼḾṀṂṄṆṈṊṌṎṐṒṔṖṘṚṜṞṠṢṤṦṨṪṬṮṰṲṴṶṸṺṼṾẀẂẄ'::text) || 'ẆẈẊẌẎẐẒẔẠẢẤẦẨẪẬẮẰẲẴẶẸẺẼẾỀỂỄỆỈỊỌỎỐỒỔỖỘỚỜỞỠỢỤỦỨỪỬỮỰỲỴỶỸỺỼỾἈἉἊἋἌἍἎἏἘἙἚἛἜἝἨἩἪἫἬἭἮἯἸἹἺἻἼἽἾἿὈὉὊὋὌὍὙὛὝὟὨὩὪὫ'::text) || 'ὬὭὮὯᾈᾉᾊᾋᾌᾍᾎᾏᾘᾙᾚᾛᾜᾝᾞᾟᾨᾩᾪᾫᾬᾭᾮᾯᾸᾹᾺᾼῈῊῌῘῙῚῨῩῪῬῸῺῼℲↃⰀⰁⰂⰃⰄⰅⰆⰇⰈⰉⰊⰋⰌⰍⰎⰏⰐⰑⰒⰓⰔⰕⰖⰗⰘⰙⰚⰛⰜⰝⰞⰟⰠⰡⰢⰣⰤⰥⰦⰧⰨⰩⰪⰫⰬⰭⰮⰯⱠⱢⱣⱤⱧ'::text) || 'ⱩⱫⱭⱮⱯⱰⱲⱵⱾⱿⲀⲂⲄⲆⲈⲊⲌⲎⲐⲒⲔⲖⲘⲚⲜⲞⲠⲢⲤⲦⲨⲪⲬⲮⲰⲲⲴⲶⲸⲺⲼⲾⳀⳂⳄⳆⳈⳊⳌⳎⳐⳒⳔⳖⳘⳚⳜⳞⳠⳢⳫⳭⳲꙀꙂꙄꙆꙈꙊꙌꙎꙐꙒꙔꙖꙘꙚꙜꙞꙠꙢꙤꙦꙨꙪꙬꚀꚂꚄꚆꚈꚊꚌꚎꚐꚒꚔꚖꚘꚚ'::text) || 'ꜢꜤꜦꜨꜪꜬꜮꜲꜴꜶꜸꜺꜼꜾꝀꝂꝄꝆꝈꝊꝌꝎꝐꝒꝔꝖꝘꝚꝜꝞꝠꝢꝤꝦꝨꝪꝬꝮꝹꝻꝽꝾꞀꞂꞄꞆꞋꞍꞐꞒꞖꞘꞚꞜꞞꞠꞢꞤꞦꞨꞪꞫꞬꞭꞮꞰꞱꞲꞳꞴꞶꞸꞺꞼꞾꟀꟂꟄꟅꟆꟇꟉꟐꟖꟘꟵꭰꭱꭲꭳꭴꭵꭶꭷꭸꭹꭺꭻꭼꭽ'::text) || 'ꭾꭿꮀꮁꮂꮃꮄꮅꮆꮇꮈꮉꮊꮋꮌꮍꮎꮏꮐꮑꮒꮓꮔꮕꮖꮗꮘꮙꮚꮛꮜꮝꮞꮟꮠꮡꮢꮣꮤꮥꮦꮧꮨꮩꮪꮫꮬꮭꮮꮯꮰꮱꮲꮳꮴꮵꮶꮷꮸꮹꮺꮻꮼꮽꮾꮿ𐐀𐐁𐐂𐐃𐐄𐐅𐐆𐐇𐐈𐐉𐐊𐐋𐐌𐐍𐐎𐐏𐐐𐐑𐐒𐐓𐐔𐐕𐐖𐐗𐐘𐐙𐐚𐐛𐐜𐐝𐐞𐐟𐐠𐐡'::text) || '𐐢𐐣𐐤𐐥𐐦𐐧𐒰𐒱𐒲𐒳𐒴𐒵𐒶𐒷𐒸𐒹𐒺𐒻𐒼𐒽𐒾𐒿𐓀𐓁𐓂𐓃𐓄𐓅𐓆𐓇𐓈𐓉𐓊𐓋𐓌𐓍𐓎𐓏𐓐𐓑𐓒𐓓𐕰𐕱𐕲𐕳𐕴𐕵𐕶𐕷𐕸𐕹𐕺𐕼𐕽𐕾𐕿𐖀𐖁𐖂𐖃𐖄𐖅𐖆𐖇𐖈𐖉𐖊𐖌𐖍𐖎𐖏𐖐𐖑𐖒𐖔𐖕𐲀𐲁𐲂𐲃𐲄𐲅𐲆𐲇𐲈𐲉𐲊𐲋𐲌𐲍𐲎𐲏𐲐𐲑𐲒𐲓𐲔𐲕𐲖'::text) || '𐲗𐲘𐲙𐲚𐲛𐲜𐲝𐲞𐲟𐲠𐲡𐲢𐲣𐲤𐲥𐲦𐲧𐲨𐲩𐲪𐲫𐲬𐲭𐲮𐲯𐲰𐲱𐲲𑢠𑢡𑢢𑢣𑢤𑢥𑢦𑢧𑢨𑢩𑢪𑢫𑢬𑢭𑢮𑢯𑢰𑢱𑢲𑢳𑢴𑢵𑢶𑢷𑢸𑢹𑢺𑢻𑢼𑢽𑢾𑢿𖹀𖹁𖹂𖹃𖹄𖹅𖹆𖹇𖹈𖹉𖹊𖹋𖹌𖹍𖹎𖹏𖹐𖹑𖹒𖹓𖹔𖹕𖹖𖹗𖹘𖹙𖹚𖹛𖹜𖹝𖹞𖹟𞤀𞤁𞤂𞤃𞤄𞤅𞤆𞤇'::text) || '𞤈𞤉𞤊𞤋𞤌𞤍𞤎𞤏𞤐𞤑𞤒𞤓𞤔𞤕𞤖𞤗𞤘𞤙𞤚𞤛𞤜𞤝𞤞𞤟𞤠𞤡'::text), (((((((((((((('abcdefghijklmnopqrstuvwxyz'::text || 'àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþāăąćĉċčďđēĕėęěĝğġģĥħĩīĭįĵķĺļľłńņňŋōŏőœŕŗřśŝşšţťŧũūŭůűųŵŷÿźżžɓƃƅɔƈɖɗƌǝə'::text) || 'ɛƒɠɣɩɨƙɯɲɵơƣƥʀƨʃƭʈưʊʋƴƶʒƹƽǎǐǒǔǖǘǚǜǟǡǣǥǧǩǫǭǯǵƕƿǹǻǽǿȁȃȅȇȉȋȍȏȑȓȕȗșțȝȟƞȣȥȧȩȫȭȯȱȳⱥȼƚⱦɂƀʉʌɇɉɋɍɏιͱͳͷϳάέήίόύ'::text) || 'ώαβγδεζηθικλμνξοπρστυφχψωϊϋσϗϙϛϝϟϡϣϥϧϩϫϭϯϸϻͻͼͽѐёђѓєѕіїјљњћќѝўџабвгдежзийклмнопрстуфхцчшщъыьэюяѡѣѥѧѩѫ'::text) || 'ѭѯѱѳѵѷѹѻѽѿҁҋҍҏґғҕҗҙқҝҟҡңҥҧҩҫҭүұҳҵҷҹһҽҿӏӂӄӆӈӊӌӎӑӓӕӗәӛӝӟӡӣӥӧөӫӭӯӱӳӵӷӹӻӽӿԁԃԅԇԉԋԍԏԑԓԕԗԙԛԝԟԡԣԥԧԩԫԭԯաբգդեզ'::text) || 'էըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆⴀⴁⴂⴃⴄⴅⴆⴇⴈⴉⴊⴋⴌⴍⴎⴏⴐⴑⴒⴓⴔⴕⴖⴗⴘⴙⴚⴛⴜⴝⴞⴟⴠⴡⴢⴣⴤⴥⴧⴭᏰᏱᏲᏳᏴᏵвдосттъѣꙋაბგდევზთიკლმნ'::text) || 'ოპჟრსტუფქღყშჩცძწჭხჯჰჱჲჳჴჵჶჷჸჹჺჽჾჿḁḃḅḇḉḋḍḏḑḓḕḗḙḛḝḟḡḣḥḧḩḫḭḯḱḳḵḷḹḻḽḿṁṃṅṇṉṋṍṏṑṓṕṗṙṛṝṟṡṣṥṧṩṫṭṯṱṳṵṷṹṻṽṿẁẃẅ'::text) || 'ẇẉẋẍẏẑẓẕạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹỻỽỿἀἁἂἃἄἅἆἇἐἑἒἓἔἕἠἡἢἣἤἥἦἧἰἱἲἳἴἵἶἷὀὁὂὃὄὅὑὓὕὗὠὡὢὣ'::text) || 'ὤὥὦὧᾀᾁᾂᾃᾄᾅᾆᾇᾐᾑᾒᾓᾔᾕᾖᾗᾠᾡᾢᾣᾤᾥᾦᾧᾰᾱὰᾳὲὴῃῐῑὶῠῡὺῥὸὼῳⅎↄⰰⰱⰲⰳⰴⰵⰶⰷⰸⰹⰺⰻⰼⰽⰾⰿⱀⱁⱂⱃⱄⱅⱆⱇⱈⱉⱊⱋⱌⱍⱎⱏⱐⱑⱒⱓⱔⱕⱖⱗⱘⱙⱚⱛⱜⱝⱞⱟⱡɫᵽɽⱨ'::text) || 'ⱪⱬɑɱɐɒⱳⱶȿɀⲁⲃⲅⲇⲉⲋⲍⲏⲑⲓⲕⲗⲙⲛⲝⲟⲡⲣⲥⲧⲩⲫⲭⲯⲱⲳⲵⲷⲹⲻⲽⲿⳁⳃⳅⳇⳉⳋⳍⳏⳑⳓⳕⳗⳙⳛⳝⳟⳡⳣⳬⳮⳳꙁꙃꙅꙇꙉꙋꙍꙏꙑꙓꙕꙗꙙꙛꙝꙟꙡꙣꙥꙧꙩꙫꙭꚁꚃꚅꚇꚉꚋꚍꚏꚑꚓꚕꚗꚙꚛ'::text) || 'ꜣꜥꜧꜩꜫꜭꜯꜳꜵꜷꜹꜻꜽꜿꝁꝃꝅꝇꝉꝋꝍꝏꝑꝓꝕꝗꝙꝛꝝꝟꝡꝣꝥꝧꝩꝫꝭꝯꝺꝼᵹꝿꞁꞃꞅꞇꞌɥꞑꞓꞗꞙꞛꞝꞟꞡꞣꞥꞧꞩɦɜɡɬɪʞʇʝꭓꞵꞷꞹꞻꞽꞿꟁꟃꞔʂᶎꟈꟊꟑꟗꟙꟶᎠᎡᎢᎣᎤᎥᎦᎧᎨᎩᎪᎫᎬᎭ'::text) || 'ᎮᎯᎰᎱᎲᎳᎴᎵᎶᎷᎸᎹᎺᎻᎼᎽᎾᎿᏀᏁᏂᏃᏄᏅᏆᏇᏈᏉᏊᏋᏌᏍᏎᏏᏐᏑᏒᏓᏔᏕᏖᏗᏘᏙᏚᏛᏜᏝᏞᏟᏠᏡᏢᏣᏤᏥᏦᏧᏨᏩᏪᏫᏬᏭᏮᏯ𐐨𐐩𐐪𐐫𐐬𐐭𐐮𐐯𐐰𐐱𐐲𐐳𐐴𐐵𐐶𐐷𐐸𐐹𐐺𐐻𐐼𐐽𐐾𐐿𐑀𐑁𐑂𐑃𐑄𐑅𐑆𐑇𐑈𐑉'::text) || '𐑊𐑋𐑌𐑍𐑎𐑏𐓘𐓙𐓚𐓛𐓜𐓝𐓞𐓟𐓠𐓡𐓢𐓣𐓤𐓥𐓦𐓧𐓨𐓩𐓪𐓫𐓬𐓭𐓮𐓯𐓰𐓱𐓲𐓳𐓴𐓵𐓶𐓷𐓸𐓹𐓺𐓻𐖗𐖘𐖙𐖚𐖛𐖜𐖝𐖞𐖟𐖠𐖡𐖣𐖤𐖥𐖦𐖧𐖨𐖩𐖪𐖫𐖬𐖭𐖮𐖯𐖰𐖱𐖳𐖴𐖵𐖶𐖷𐖸𐖹𐖻𐖼𐳀𐳁𐳂𐳃𐳄𐳅𐳆𐳇𐳈𐳉𐳊𐳋𐳌𐳍𐳎𐳏𐳐𐳑𐳒𐳓𐳔𐳕𐳖'::text) || '𐳗𐳘𐳙𐳚𐳛𐳜𐳝𐳞𐳟𐳠𐳡𐳢𐳣𐳤𐳥𐳦𐳧𐳨𐳩𐳪𐳫𐳬𐳭𐳮𐳯𐳰𐳱𐳲𑣀𑣁𑣂𑣃𑣄𑣅𑣆𑣇𑣈𑣉𑣊𑣋𑣌𑣍𑣎𑣏𑣐𑣑𑣒𑣓𑣔𑣕𑣖𑣗𑣘𑣙𑣚𑣛𑣜𑣝𑣞𑣟𖹠𖹡𖹢𖹣𖹤𖹥𖹦𖹧𖹨𖹩𖹪𖹫𖹬𖹭𖹮𖹯𖹰𖹱𖹲𖹳𖹴𖹵𖹶𖹷𖹸𖹹𖹺𖹻𖹼𖹽𖹾𖹿𞤢𞤣𞤤𞤥𞤦𞤧𞤨𞤩'::text) || '𞤪𞤫𞤬𞤭𞤮𞤯𞤰𞤱𞤲𞤳𞤴𞤵𞤶𞤷𞤸𞤹𞤺𞤻𞤼𞤽𞤾𞤿𞥀𞥁𞥂𞥃'::text)) END;

CREATE FUNCTION public.plain(typed text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN translate(public.fold_case(NORMALIZE(typed, NFKC)), ('‐‑‒–—―−⁃ー‧・•⋅'::text || '	

    '::text), '---------····'::text);

CREATE FUNCTION public.document_number(typed text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN regexp_replace(public.plain(typed), '^(.+)[〔\[(【{❲〖〈<《]([0-9]{4})[〕\])】}❳〗〉>》]第?0*([0-9]{1,12})号?$'::text, '\1〔\2〕\3号'::text);

CREATE FUNCTION public.fen(amount text) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (replace(amount, '.'::text, ''::text))::bigint;

CREATE FUNCTION public.yuan(amount numeric) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (round((amount / (100)::numeric), 2))::text;

CREATE FUNCTION public.figures(planned numeric, allotted numeric, line numeric, committed numeric, payable numeric, in_approval numeric, in_transit numeric, paid numeric) RETURNS json
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN json_build_object('planned', public.yuan(planned), 'allotted', public.yuan(allotted), 'line', public.yuan(line), 'committed', public.yuan(committed), 'payable', public.yuan(payable), 'in_approval', public.yuan(in_approval), 'in_transit', public.yuan(in_transit), 'paid', public.yuan(paid));

CREATE FUNCTION public.identity_code(identity text, kind text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select case when identity like kind || ':%' then substr(identity, length(kind) + 2) end
$$;

CREATE FUNCTION public.identity_last4(identity text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select split_part(identity_code(identity, 'id_card'), '/', 1)
$$;

CREATE FUNCTION public.identity_of(recipient jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select coalesce(
        'uscc:' || (recipient ->> 'uscc'),
        'id_card:' || (recipient #>> '{id_card,last4}') || '/' || (recipient #>> '{id_card,digest}'),
        'registration:' || (recipient #>> '{registration,country}') || '/' || (recipient #>> '{registration,kind}') || '/'
            || (recipient #>> '{registration,number}')
    )
$$;

CREATE FUNCTION public.is_at_checkpoint(type text, fact jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select type like 'Acceptance%' or type = 'RectificationOrdered' or (type = 'ExtensionGranted' and fact ? 'due_on')
$$;

CREATE FUNCTION public.last_step(of_project text, of_batch integer, of_award text, of_payment text, of_type text, before_position bigint) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    select e.fact
    from movement as m
    join event as e using (position)
    where
        m.project = of_project
        and m.batch = of_batch
        and m.award = of_award
        and m.payment = of_payment
        and m.type = of_type
        and m.position < before_position
    order by m.position desc
    limit 1
$$;

CREATE FUNCTION public.listed_in(notice jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select (notice -> 'applications') || coalesce(notice -> 'entries', '[]')
$$;

CREATE FUNCTION public.lock_appends() RETURNS void
    LANGUAGE sql
    AS $$select pg_advisory_xact_lock(8319689431689592833)$$;

CREATE FUNCTION public.lot_step(held int8multirange, entering boolean, fen int8multirange) RETURNS int8multirange
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
begin
    if entering and held && fen then
        raise exception 'fen % enter a lot that has some of them already', fen using errcode = 'data_exception';
    end if;
    if not entering and not held @> fen then
        raise exception 'fen % leave a lot that has not all of them', fen using errcode = 'data_exception';
    end if;
    return case when entering then held + fen else held - fen end;
end
$$;

CREATE FUNCTION public.make_like(live regclass, in_schema text) RETURNS SETOF text
    LANGUAGE plpgsql
    AS $_$
declare
    name text := (select relname from pg_class where oid = live);
    part record;
begin
    execute format('create table %I.%I (like %s including all excluding indexes)', in_schema, name, live);
    for part in
        select conname, pg_get_constraintdef(oid) as definition
        from pg_constraint
        where conrelid = live and contype in ('p', 'u', 'x')
    loop
        execute format('alter table %I.%I add constraint %I %s', in_schema, name, part.conname, part.definition);
    end loop;
    return query
    select format(
        'create index %I on %I.%I using %s', c.relname, in_schema, name,
        substring(pg_get_indexdef(i.indexrelid) from ' USING (.*)$')
    )
    from pg_index as i
    join pg_class as c on c.oid = i.indexrelid
    where i.indrelid = live and not exists (select from pg_constraint as k where k.conindid = i.indexrelid);
end
$_$;

CREATE FUNCTION public.number_of(fact jsonb, VARIADIC kinds text[]) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
    select d.document ->> 'number'
    from jsonb_array_elements(fact -> 'documents') with ordinality as d (document, ordinal)
    where d.document ->> 'kind' = any(kinds)
    order by d.ordinal
    limit 1
$$;

CREATE FUNCTION public.of_fund(allotted numeric, pool numeric, recovered numeric, surrendered numeric) RETURNS json
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN json_build_object('pool', public.yuan(pool), 'recovered', public.yuan(recovered), 'surrendered', public.yuan(surrendered), 'appropriated', public.yuan((((allotted + pool) + recovered) + surrendered)));

CREATE FUNCTION public.origin_balance_at(of_fund text, at_position bigint, at_booked_on date) RETURNS TABLE(version bigint, pool bigint, surrendered bigint, recovered bigint, line bigint, committed bigint, payable bigint, in_approval bigint, in_transit bigint, paid bigint)
    LANGUAGE sql STABLE
    AS $$
    with first as (
        select version, first_fen + amount as bound from appropriation where fund = of_fund order by version limit 1
    ), changed as materialized (
        select version, account, sum(change) as change
        from (
            select version, account, change
            from origin_change
            where
                fund = of_fund
                and (at_position is null or block < at_position / 10000)
                and (at_booked_on is null or booked_on <= at_booked_on)
            union all
            select a.version, leg.account, leg.sign * (
                least(upper(fen.range), a.first_fen + a.amount) - greatest(lower(fen.range), a.first_fen)
            )
            from movement as m
            cross join first
            cross join lateral unnest(m.fen) as fen (range)
            join appropriation as a
                on a.fund = m.fund and a.first_fen < upper(fen.range) and a.first_fen + a.amount > lower(fen.range)
            cross join lateral (values (m.source, -1), (m.target, 1)) as leg (account, sign)
            where
                m.fund = of_fund
                and m.position > at_position / 10000 * 10000
                and m.position <= at_position
                and (at_booked_on is null or m.booked_on <= at_booked_on)
                and upper(m.fen) > first.bound
                and a.version <> first.version
                and leg.account <> 'treasury'
        ) as each
        group by version, account
    ), of_fund as (
        select leg.account, sum(leg.amount) as amount
        from batch_balance_at(of_fund, at_position, at_booked_on) as b
        cross join lateral (values
            ('pool'::account, pool), ('surrendered', surrendered), ('recovered', recovered), ('line', line),
            ('committed', committed), ('payable', payable), ('in_approval', in_approval), ('in_transit', in_transit),
            ('paid', paid)
        ) as leg (account, amount)
        group by leg.account
    ), held as (
        select version, account, change from changed
        union all
        select first.version, f.account, f.amount - coalesce(others.change, 0)
        from of_fund as f
        cross join first
        left join (select account, sum(change) as change from changed group by account) as others using (account)
    )
    select
        version,
        coalesce(sum(change) filter (where account = 'pool'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'surrendered'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'recovered'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'line'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'committed'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'payable'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'in_approval'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'in_transit'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'paid'), 0)::bigint
    from held
    group by version
$$;

CREATE FUNCTION public.origin_figures(planned numeric, pool numeric, recovered numeric, surrendered numeric, line numeric, committed numeric, payable numeric, in_approval numeric, in_transit numeric, paid numeric) RETURNS json
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN json_build_object('planned', public.yuan(planned), 'appropriated', public.yuan(((((((((pool + recovered) + surrendered) + line) + committed) + payable) + in_approval) + in_transit) + paid)), 'pool', public.yuan(pool), 'recovered', public.yuan(recovered), 'surrendered', public.yuan(surrendered), 'allotted', public.yuan((((((line + committed) + payable) + in_approval) + in_transit) + paid)), 'line', public.yuan(line), 'committed', public.yuan(committed), 'payable', public.yuan(payable), 'in_approval', public.yuan(in_approval), 'in_transit', public.yuan(in_transit), 'paid', public.yuan(paid));

CREATE FUNCTION public.payments_named(searched text) RETURNS TABLE(project text, payment text)
    LANGUAGE sql STABLE
    AS $$
    select project, payment from payment where plain(payee) = plain(searched)
    union
    select p.project, p.payment
    from recipient_rename as r
    join recipient_rename as other using (project, application)
    join award as a using (project, application)
    join payment as p on p.project = a.project and p.award = a.award
    where
        r.status = 'recorded'
        and other.status = 'recorded'
        and plain(searched) in (plain(r.old_name), plain(r.new_name))
        and p.payee_identity in (other.old_identity, other.new_identity)
$$;

CREATE FUNCTION public.payments_of(searched text) RETURNS TABLE(project text, payment text)
    LANGUAGE sql STABLE
    AS $$
    select project, payment from payment where payee_identity = searched
    union
    select p.project, p.payment
    from recipient_rename as r
    join recipient_rename as other using (project, application)
    join award as a using (project, application)
    join payment as p on p.project = a.project and p.award = a.award
    where
        r.status = 'recorded'
        and other.status = 'recorded'
        and searched in (r.old_identity, r.new_identity)
        and p.payee_identity in (other.old_identity, other.new_identity)
$$;

CREATE FUNCTION public.plan_at(of_fund text, at_position bigint, at_booked_on date) RETURNS TABLE(project text, batch integer, batch_name text, gate text, planned bigint)
    LANGUAGE sql STABLE
    AS $$
    with whole as (
        select max(position) as position
        from plan
        where
            fund = of_fund
            and position <= coalesce(at_position, position)
            and booked_on <= coalesce(at_booked_on, booked_on)
    ), reallocated as (
        select m.project, m.batch, sum(case when m.target = 'line' then m.amount else -m.amount end) as amount
        from movement as m
        join whole on m.position > whole.position
        where
            m.fund = of_fund
            and (m.type = 'FundsReallocated' or m.entry = 'FundsReallocated')
            and m.position <= coalesce(at_position, m.position)
            and m.booked_on <= coalesce(at_booked_on, m.booked_on)
        group by m.project, m.batch
    )
    select p.project, p.batch, p.batch_name, p.gate, (p.planned + coalesce(r.amount, 0))::bigint
    from plan as p
    join whole using (position)
    left join reallocated as r on r.project = p.project and r.batch = p.batch
    where p.fund = of_fund
$$;

CREATE FUNCTION public.plan_batches_at(of_fund text, at_position bigint, at_booked_on date) RETURNS TABLE(project text, batch integer, batch_name text, gate text, plan_position bigint, in_plan boolean, adopted bigint, planned bigint, allotted bigint, line bigint, committed bigint, payable bigint, in_approval bigint, in_transit bigint, paid bigint)
    LANGUAGE sql STABLE
    AS $$
    -- The plan at `plan_position` is the last one that had this line; `in_plan`: whether it is the plan in force.
    with known as materialized (
        select p.*, max(p.position) over (partition by p.project) as of_line, max(p.position) over () as in_force
        from plan as p
        where
            p.fund = of_fund
            and p.position <= coalesce(at_position, p.position)
            and p.booked_on <= coalesce(at_booked_on, p.booked_on)
    ), named as (
        select distinct on (k.project, k.batch) k.project, k.batch, k.batch_name, k.gate, k.of_line, k.in_force
        from known as k
        order by k.project, k.batch, k.position desc
    ), adopted as (
        select p.project, p.batch, p.planned
        from fund as f
        cross join plan_at(f.fund, f.adopted_position, null) as p
        where f.fund = of_fund
    )
    select
        n.project, n.batch, n.batch_name, n.gate, n.of_line, n.of_line = n.in_force, coalesce(a.planned, 0),
        coalesce(s.planned, 0), coalesce(s.allotted, 0), coalesce(s.line, 0), coalesce(s.committed, 0),
        coalesce(s.payable, 0), coalesce(s.in_approval, 0), coalesce(s.in_transit, 0), coalesce(s.paid, 0)
    from named as n
    left join adopted as a on a.project = n.project and a.batch = n.batch
    left join standing_at(of_fund, at_position, at_booked_on) as s on s.project = n.project and s.batch = n.batch
    where a.planned is not null or s.planned is not null
$$;

CREATE FUNCTION public.plan_source_at(of_fund text, at_position bigint, at_booked_on date) RETURNS TABLE(source text, rank bigint, name text, level text, amount bigint)
    LANGUAGE sql STABLE
    AS $$
    select source, rank, name, level, amount
    from plan_source
    where fund = of_fund and position = (
        select max(position) from plan
        where
            fund = of_fund
            and position <= coalesce(at_position, position)
            and booked_on <= coalesce(at_booked_on, booked_on)
    )
$$;

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception '% is append-only: % refused', tg_table_name, tg_op using errcode = 'insufficient_privilege';
end
$$;

CREATE FUNCTION public.same_rights(of regclass, as_on regclass) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    granted record;
begin
    for granted in
        select a.grantee, a.privilege_type
        from pg_class as c
        cross join aclexplode(c.relacl) as a
        where c.oid = as_on and a.grantee <> c.relowner
    loop
        execute format(
            'grant %s on %s to %s', granted.privilege_type, of,
            case granted.grantee when 0 then 'public' else granted.grantee::regrole::text end
        );
    end loop;
end
$$;

CREATE FUNCTION public.save_snapshot(of_stream text, at_version bigint, at_position bigint, at_nonce bigint, by_code text, saved text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
    insert into snapshot as kept (stream, version, position, nonce, code, state)
    select of_stream, at_version, at_position, at_nonce, by_code, saved
    from event as e
    where (e.stream, e.version, e.position, e.nonce) = (of_stream, at_version, at_position, at_nonce)
    on conflict (stream) do update set
        version = excluded.version, position = excluded.position, nonce = excluded.nonce,
        code = excluded.code, state = excluded.state
    where kept.code <> excluded.code or kept.version < excluded.version
$$;

CREATE FUNCTION public.shown_at(of_project text, of_round text, at_position bigint, at_booked_on date) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    with history as materialized (
        select e.position, e.version, e.type, e.fact
        from round as r
        cross join lateral unnest(r.events) as h (position)
        join event as e on e.position = h.position
        where
            r.project = of_project
            and r.round = of_round
            and e.position <= coalesce(at_position, e.position)
            and e.type in ('ReviewConcluded', 'NoticeStarted', 'NoticeCompleted', 'ObjectionResolved', 'EntryReversed')
            and (e.fact ->> 'booked_on')::date <= coalesce(at_booked_on, 'infinity')
    ), noticing as materialized (
        select
            position, version, type, fact,
            lead(type) over (order by position) as next_type,
            max(position) filter (where type = 'ReviewConcluded') over () as reviewed
        from history
        where
            type <> 'EntryReversed'
            and (type <> 'ObjectionResolved' or fact ? 'voids')
            and version not in (select (fact ->> 'version')::bigint from history where type = 'EntryReversed')
    ), void as materialized (
        select v.position, null::bigint as notice, listed_in(notice.fact) as applications
        from noticing as v
        cross join lateral (
            select e.version, (e.fact ->> 'occurred_on')::date as received_on
            from event as e
            where
                e.stream = 'project/' || of_project
                and e.version < v.version
                and e.type = 'ObjectionReceived'
                and e.fact ->> 'objection' = v.fact ->> 'objection'
            order by e.version desc
            limit 1
        ) as received
        cross join lateral (
            select n.fact
            from noticing as n
            where
                n.type = 'NoticeStarted'
                and n.version < received.version
                and received.received_on between (n.fact ->> 'first_day')::date and (n.fact ->> 'last_day')::date
            order by n.version desc
            limit 1
        ) as notice
        where v.type = 'ObjectionResolved'
        union all
        select
            position,
            (fact ->> 'voids_notice')::bigint,
            case
                when fact ? 'application'
                    then jsonb_build_array(jsonb_build_object('application', fact -> 'application'))
            end
        from history
        where
            type = 'ObjectionResolved'
            and fact ? 'voids_notice'
            and version not in (select (fact ->> 'version')::bigint from history where type = 'EntryReversed')
    )
    select jsonb_object_agg(l.row ->> 'application', l.row ->> 'amount' order by n.position)
    from noticing as n
    cross join lateral jsonb_array_elements(listed_in(n.fact)) as l (row)
    where
        n.type = 'NoticeStarted'
        and n.next_type = 'NoticeCompleted'
        and n.position > coalesce(n.reviewed, 0)
        and not exists (
            select from void as v
            where
                v.position > n.position
                and coalesce(v.notice, n.version) = n.version
                and (
                    v.applications is null
                    or v.applications @> jsonb_build_array(jsonb_build_object('application', l.row ->> 'application'))
                )
        )
$$;

CREATE FUNCTION public.size(fen int8multirange) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (SELECT (COALESCE(sum((upper(r.r) - lower(r.r))), (0)::numeric))::bigint AS "coalesce" FROM unnest(size.fen) r(r));

CREATE FUNCTION public.spend_by(budget_year integer, carried_out_of integer, settings jsonb) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN make_date(GREATEST(((budget_year + COALESCE(((settings ->> 'years_to_spend'::text))::integer, 2)) - 1), (carried_out_of + 1)), 12, 31);

CREATE FUNCTION public.standing_at(of_fund text, at_position bigint, at_booked_on date) RETURNS TABLE(project text, batch integer, planned bigint, allotted bigint, line bigint, committed bigint, payable bigint, in_approval bigint, in_transit bigint, paid bigint, pool bigint, recovered bigint, surrendered bigint)
    LANGUAGE sql STABLE
    AS $$
    with held as materialized (
        select *, committed + payable + in_approval + in_transit + paid as awarded
        from batch_balance_at(of_fund, at_position, at_booked_on)
    )
    select
        project,
        batch,
        coalesce(p.planned, h.awarded),
        coalesce(h.line + h.awarded, 0),
        coalesce(h.line, 0),
        coalesce(h.committed, 0),
        coalesce(h.payable, 0),
        coalesce(h.in_approval, 0),
        coalesce(h.in_transit, 0),
        coalesce(h.paid, 0),
        0,
        coalesce(h.recovered, 0),
        0
    from plan_at(of_fund, at_position, at_booked_on) as p
    full join (
        -- A batch that has left the plan is shown while it has money.
        select * from held where project <> '' and (line, awarded, recovered) <> (0, 0, 0)
    ) as h using (project, batch)
    union all
    select '', 0, 0, 0, 0, 0, 0, 0, 0, 0, coalesce(sum(pool), 0)::bigint, 0, coalesce(sum(surrendered), 0)::bigint
    from held
$$;

CREATE FUNCTION public.stop_fold(finding text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    raise exception '%', finding using errcode = 'data_exception';
end
$$;

CREATE FUNCTION public.table_differences(live regclass, rebuilt regclass, max_rows integer, except_funds text[] DEFAULT '{}'::text[]) RETURNS TABLE(live_row jsonb, new_row jsonb, differing bigint)
    LANGUAGE plpgsql STABLE
    AS $_$
declare
    keys text;
begin
    select string_agg(format('%I', a.attname), ', ' order by k.ordinal) into keys
    from pg_index as i
    cross join unnest(i.indkey) with ordinality as k (attnum, ordinal)
    join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where i.indrelid = live and i.indisprimary;
    return query execute format(
        'select to_jsonb(l), to_jsonb(n), count(*) over () from %s as l full join %s as n using (%s) '
        'where l::text is distinct from n::text and (coalesce(l.fund, n.fund) = any (%5$L::text[])) is not true '
        'order by %3$s limit %4$s',
        live, rebuilt, keys, max_rows, except_funds
    );
end
$_$;

CREATE FUNCTION public.table_digest(of regclass, except_funds text[] DEFAULT '{}'::text[]) RETURNS TABLE(row_count bigint, digest numeric)
    LANGUAGE plpgsql STABLE
    AS $$
begin
    return query execute format(
        'select count(*), coalesce(sum(hash_record_extended(row(t.*), 0)), 0) from %s as t '
        'where (t.fund = any (%L::text[])) is not true',
        of, except_funds
    );
end
$$;

CREATE FUNCTION public.whole_plan_at(of_fund text, at_position bigint, at_booked_on date) RETURNS SETOF jsonb
    LANGUAGE sql STABLE
    AS $$
    select whole.fact
    from event as e
    join event as whole
        on whole.stream = e.stream
        and whole.version = case e.type when 'PlanAdopted' then (e.fact ->> 'draft')::bigint else e.version end
    where e.position = (
        select max(position) from plan
        where
            fund = of_fund
            and position <= coalesce(at_position, position)
            and booked_on <= coalesce(at_booked_on, booked_on)
    )
    limit 1
$$;

CREATE AGGREGATE public.lot_after(boolean, int8multirange) (
    SFUNC = public.lot_step,
    STYPE = int8multirange,
    INITCOND = '{}'
);

CREATE TABLE public.access_change (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    action text NOT NULL COLLATE pg_catalog."C",
    by text NOT NULL COLLATE pg_catalog."C",
    detail jsonb NOT NULL,
    CONSTRAINT access_change_action_check CHECK ((action = ANY (ARRAY['created'::text, 'rotated'::text, 'revoked'::text, 'allowed'::text, 'named'::text])))
);

ALTER TABLE public.access_change ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.access_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.api_key (
    name text NOT NULL COLLATE pg_catalog."C",
    scopes text[] NOT NULL,
    funds text[] DEFAULT '{}'::text[] NOT NULL,
    projects text[] DEFAULT '{}'::text[] NOT NULL,
    sources text[] DEFAULT '{}'::text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone,
    person text COLLATE pg_catalog."C",
    CONSTRAINT api_key_person_check CHECK (((length(person) >= 1) AND (length(person) <= 200)))
);

CREATE TABLE public.api_secret (
    digest bytea NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone
);

CREATE TABLE public.application (
    project text NOT NULL COLLATE pg_catalog."C",
    application text NOT NULL COLLATE pg_catalog."C",
    fund text NOT NULL COLLATE pg_catalog."C",
    round integer NOT NULL,
    applicant text NOT NULL COLLATE pg_catalog."C",
    uscc text NOT NULL COLLATE pg_catalog."C",
    received_on date NOT NULL,
    screened text COLLATE pg_catalog."C",
    score text COLLATE pg_catalog."C",
    events bigint[] NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    number text COLLATE pg_catalog."C",
    amount bigint,
    title text COLLATE pg_catalog."C",
    place text COLLATE pg_catalog."C",
    starts_on date,
    ends_on date,
    excluded boolean NOT NULL,
    received_position bigint NOT NULL,
    identity text NOT NULL COLLATE pg_catalog."C",
    rewarded_for text COLLATE pg_catalog."C",
    grounds text COLLATE pg_catalog."C",
    CONSTRAINT application_amount_check CHECK ((amount > 0))
);

CREATE TABLE public.appropriation (
    fund text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    "position" bigint NOT NULL,
    budget_year integer NOT NULL,
    amount bigint NOT NULL,
    carried_out_of integer,
    events bigint[] NOT NULL,
    first_fen bigint NOT NULL,
    received_on date NOT NULL,
    source text COLLATE pg_catalog."C",
    documents jsonb NOT NULL,
    CONSTRAINT appropriation_amount_check CHECK ((amount > 0))
);

CREATE TABLE public.award (
    project text NOT NULL COLLATE pg_catalog."C",
    award text NOT NULL COLLATE pg_catalog."C",
    fund text NOT NULL COLLATE pg_catalog."C",
    application text NOT NULL COLLATE pg_catalog."C",
    applicant text NOT NULL COLLATE pg_catalog."C",
    uscc text NOT NULL COLLATE pg_catalog."C",
    payee text NOT NULL COLLATE pg_catalog."C",
    payee_uscc text NOT NULL COLLATE pg_catalog."C",
    payee_account text NOT NULL COLLATE pg_catalog."C",
    score text NOT NULL COLLATE pg_catalog."C",
    rank integer NOT NULL,
    decided_on date NOT NULL,
    acceptance text NOT NULL COLLATE pg_catalog."C",
    rectify_by date,
    events bigint[] NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    ends_on date,
    round integer NOT NULL,
    applied bigint,
    decided bigint NOT NULL,
    identity text NOT NULL COLLATE pg_catalog."C",
    payee_identity text NOT NULL COLLATE pg_catalog."C",
    payee_digest text NOT NULL COLLATE pg_catalog."C",
    checkpoints jsonb NOT NULL,
    decided_position bigint NOT NULL,
    CONSTRAINT award_decided_check CHECK ((decided >= 0))
)
WITH (fillfactor='80');

CREATE TABLE public.balance (
    fund text NOT NULL COLLATE pg_catalog."C",
    project text NOT NULL COLLATE pg_catalog."C",
    batch integer NOT NULL,
    award text NOT NULL COLLATE pg_catalog."C",
    pool bigint NOT NULL,
    surrendered bigint NOT NULL,
    recovered bigint NOT NULL,
    line bigint NOT NULL,
    committed bigint NOT NULL,
    payable bigint NOT NULL,
    in_approval bigint NOT NULL,
    in_transit bigint NOT NULL,
    paid bigint NOT NULL,
    CONSTRAINT balance_committed_check CHECK ((committed >= 0)),
    CONSTRAINT balance_in_approval_check CHECK ((in_approval >= 0)),
    CONSTRAINT balance_in_transit_check CHECK ((in_transit >= 0)),
    CONSTRAINT balance_line_check CHECK ((line >= 0)),
    CONSTRAINT balance_paid_check CHECK ((paid >= 0)),
    CONSTRAINT balance_payable_check CHECK ((payable >= 0)),
    CONSTRAINT balance_pool_check CHECK ((pool >= 0)),
    CONSTRAINT balance_recovered_check CHECK ((recovered >= 0)),
    CONSTRAINT balance_surrendered_check CHECK ((surrendered >= 0))
);

CREATE TABLE public.batch_change (
    fund text NOT NULL COLLATE pg_catalog."C",
    block bigint NOT NULL,
    project text NOT NULL COLLATE pg_catalog."C",
    batch integer NOT NULL,
    account public.account NOT NULL,
    booked_on date NOT NULL,
    change bigint NOT NULL
);

CREATE TABLE public.calendar_import (
    imported_at timestamp with time zone NOT NULL,
    year integer NOT NULL,
    days_off date[] NOT NULL,
    working_weekends date[] NOT NULL,
    documents jsonb NOT NULL,
    content text NOT NULL COLLATE pg_catalog."C",
    file_sha256 bytea NOT NULL,
    actor text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    replaces timestamp with time zone,
    CONSTRAINT calendar_import_actor_check CHECK ((actor <> ''::text)),
    CONSTRAINT calendar_import_check CHECK ((file_sha256 = sha256(convert_to(content, 'UTF8'::name)))),
    CONSTRAINT calendar_import_check1 CHECK ((replaces < imported_at)),
    CONSTRAINT calendar_import_check2 CHECK ((NOT (days_off && working_weekends))),
    CONSTRAINT calendar_import_days_off_check CHECK ((cardinality(days_off) > 0)),
    CONSTRAINT calendar_import_position_check CHECK (("position" >= 0)),
    CONSTRAINT calendar_import_year_check CHECK (((year >= 2004) AND (year <= 2199)))
);

CREATE TABLE public.check_run (
    id bigint NOT NULL,
    asked_at timestamp with time zone DEFAULT now() NOT NULL,
    asked_by text NOT NULL COLLATE pg_catalog."C",
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    errors bigint,
    report jsonb
);

ALTER TABLE public.check_run ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.check_run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.citation (
    "position" bigint NOT NULL,
    seq integer NOT NULL,
    fund text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    number text NOT NULL COLLATE pg_catalog."C",
    plain text NOT NULL COLLATE pg_catalog."C",
    title text COLLATE pg_catalog."C",
    issuer text COLLATE pg_catalog."C",
    date date,
    sha256 text COLLATE pg_catalog."C"
);

CREATE TABLE public.claim (
    kind text NOT NULL COLLATE pg_catalog."C",
    number text NOT NULL COLLATE pg_catalog."C",
    stream text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    source text NOT NULL COLLATE pg_catalog."C",
    shared boolean DEFAULT false NOT NULL,
    issuer text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    own_bank text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    day text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    event_day text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.finding (
    stream text NOT NULL COLLATE pg_catalog."C",
    finding text NOT NULL COLLATE pg_catalog."C",
    fund text NOT NULL COLLATE pg_catalog."C",
    project text COLLATE pg_catalog."C",
    opened_version bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    rule text COLLATE pg_catalog."C",
    text text COLLATE pg_catalog."C",
    authority text COLLATE pg_catalog."C",
    found_by text COLLATE pg_catalog."C",
    amount bigint,
    due_on date,
    opened_on date NOT NULL,
    opened_by text NOT NULL COLLATE pg_catalog."C",
    how text COLLATE pg_catalog."C",
    settled_on date,
    settled_by text COLLATE pg_catalog."C",
    settlement text COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    events bigint[] NOT NULL,
    CONSTRAINT finding_status_check CHECK ((status = ANY (ARRAY['open'::text, 'settled'::text, 'reversed'::text])))
);

CREATE TABLE public.fund (
    fund text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    name_en text COLLATE pg_catalog."C",
    title text COLLATE pg_catalog."C",
    tasks jsonb,
    appropriated bigint DEFAULT 0 NOT NULL,
    established_position bigint NOT NULL,
    adopted_position bigint,
    closed_position bigint,
    settings jsonb NOT NULL,
    settings_version integer NOT NULL,
    plan_position bigint,
    closed_through date,
    draft_position bigint,
    CONSTRAINT fund_appropriated_check CHECK ((appropriated >= 0))
);

CREATE TABLE public.held_fund (
    fund text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    projection text NOT NULL COLLATE pg_catalog."C",
    finding text NOT NULL COLLATE pg_catalog."C",
    held_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.hold (
    project text NOT NULL COLLATE pg_catalog."C",
    hold text NOT NULL COLLATE pg_catalog."C",
    fund text NOT NULL COLLATE pg_catalog."C",
    award text COLLATE pg_catalog."C",
    amount bigint,
    until date,
    authority text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    held_on date NOT NULL,
    held_by text NOT NULL COLLATE pg_catalog."C",
    released_on date,
    status text NOT NULL COLLATE pg_catalog."C",
    events bigint[] NOT NULL,
    CONSTRAINT hold_status_check CHECK ((status = ANY (ARRAY['held'::text, 'released'::text, 'reversed'::text])))
);

CREATE VIEW public.ledger_events AS
 SELECT stream AS originator_id,
    version AS originator_version,
    type AS topic,
    convert_to((fact)::text, 'UTF8'::name) AS state,
    "position" AS notification_id
   FROM public.event;

CREATE TABLE public.lot (
    depth text NOT NULL COLLATE pg_catalog."C",
    fund text NOT NULL COLLATE pg_catalog."C",
    project text NOT NULL COLLATE pg_catalog."C",
    batch integer NOT NULL,
    award text NOT NULL COLLATE pg_catalog."C",
    fen int8multirange NOT NULL,
    ever int8multirange NOT NULL,
    CONSTRAINT lot_depth_check CHECK ((depth = ANY (ARRAY['issued'::text, 'surrendered'::text, 'allotted'::text, 'awarded'::text])))
);

CREATE TABLE public.migration (
    name text NOT NULL COLLATE pg_catalog."C",
    sha256 text NOT NULL COLLATE pg_catalog."C",
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.movement (
    "position" bigint NOT NULL,
    seq integer NOT NULL,
    fund text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL COLLATE pg_catalog."C",
    booked_on date NOT NULL,
    source public.account NOT NULL,
    target public.account NOT NULL,
    project text COLLATE pg_catalog."C",
    batch integer,
    award text COLLATE pg_catalog."C",
    payment text COLLATE pg_catalog."C",
    fen int8multirange NOT NULL,
    amount bigint NOT NULL,
    entry text COLLATE pg_catalog."C",
    CONSTRAINT movement_check CHECK (((amount > 0) AND (amount = public.size(fen)))),
    CONSTRAINT movement_interest_check CHECK (((((source)::text = ANY (ARRAY['interest'::text, 'interest_surrendered'::text])) OR ((target)::text = ANY (ARRAY['interest'::text, 'interest_surrendered'::text]))) = ((((((source)::text = 'treasury'::text) AND ((target)::text = 'interest'::text)) OR (((source)::text = 'interest'::text) AND ((target)::text = 'treasury'::text))) OR (((source)::text = 'interest'::text) AND ((target)::text = 'interest_surrendered'::text))) OR (((source)::text = 'interest_surrendered'::text) AND ((target)::text = 'interest'::text)))))
);

CREATE TABLE public.note (
    "position" bigint NOT NULL,
    fund text NOT NULL COLLATE pg_catalog."C",
    project text COLLATE pg_catalog."C",
    version bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    application text COLLATE pg_catalog."C",
    award text COLLATE pg_catalog."C",
    text text NOT NULL COLLATE pg_catalog."C",
    noted_on date NOT NULL,
    corrects bigint
);

CREATE TABLE public.objection (
    project text NOT NULL COLLATE pg_catalog."C",
    objection text NOT NULL COLLATE pg_catalog."C",
    fund text NOT NULL COLLATE pg_catalog."C",
    application text COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    received_on date NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    resolved_on date,
    events bigint[] NOT NULL
);

CREATE TABLE public.origin_change (
    fund text NOT NULL COLLATE pg_catalog."C",
    block bigint NOT NULL,
    version bigint NOT NULL,
    account public.account NOT NULL,
    booked_on date NOT NULL,
    change bigint NOT NULL
);

CREATE TABLE public.payment (
    project text NOT NULL COLLATE pg_catalog."C",
    payment text NOT NULL COLLATE pg_catalog."C",
    fund text NOT NULL COLLATE pg_catalog."C",
    award text NOT NULL COLLATE pg_catalog."C",
    batch integer NOT NULL,
    amount bigint NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    payee text NOT NULL COLLATE pg_catalog."C",
    payee_uscc text COLLATE pg_catalog."C",
    payee_account text NOT NULL COLLATE pg_catalog."C",
    payee_differs boolean NOT NULL,
    requested_on date NOT NULL,
    instructed_on date,
    voucher text COLLATE pg_catalog."C",
    confirmed_on date,
    bank_reference text COLLATE pg_catalog."C",
    returned bigint NOT NULL,
    events bigint[] NOT NULL,
    recovered bigint NOT NULL,
    requested_position bigint NOT NULL,
    confirmed_position bigint,
    booked_on date,
    unordered boolean NOT NULL,
    payee_identity text COLLATE pg_catalog."C",
    CONSTRAINT payment_amount_check CHECK ((amount > 0)),
    CONSTRAINT payment_recovered_check CHECK ((recovered >= 0)),
    CONSTRAINT payment_returned_check CHECK ((returned >= 0))
);

CREATE TABLE public.plan (
    fund text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    project text NOT NULL COLLATE pg_catalog."C",
    batch integer NOT NULL,
    booked_on date NOT NULL,
    batch_name text NOT NULL COLLATE pg_catalog."C",
    gate text NOT NULL COLLATE pg_catalog."C",
    planned bigint NOT NULL,
    CONSTRAINT plan_planned_check CHECK ((planned >= 0))
);

CREATE TABLE public.plan_source (
    fund text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    source text NOT NULL COLLATE pg_catalog."C",
    rank bigint NOT NULL,
    booked_on date NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    level text NOT NULL COLLATE pg_catalog."C",
    amount bigint NOT NULL
);

CREATE TABLE public.post (
    source text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    digest bytea NOT NULL,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL
);

CREATE TABLE public.project (
    fund text NOT NULL COLLATE pg_catalog."C",
    project text NOT NULL COLLATE pg_catalog."C",
    number integer NOT NULL,
    number_raw text COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    name_annex text NOT NULL COLLATE pg_catalog."C",
    name_en text COLLATE pg_catalog."C",
    tasks text[] NOT NULL,
    award_rule text NOT NULL COLLATE pg_catalog."C",
    awards integer NOT NULL,
    fixed_total boolean NOT NULL,
    opened_position bigint,
    closed_position bigint,
    in_plan boolean NOT NULL,
    awards_missing integer,
    checkpoints text[] NOT NULL COLLATE pg_catalog."C",
    objective text COLLATE pg_catalog."C",
    support text COLLATE pg_catalog."C",
    goals jsonb NOT NULL,
    selection text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.projection (
    name text NOT NULL COLLATE pg_catalog."C",
    version text COLLATE pg_catalog."C",
    cursor bigint NOT NULL
);

CREATE TABLE public.projection_cursor (
    id bigint NOT NULL,
    "position" bigint NOT NULL,
    moved_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE VIEW public.projected AS
 SELECT p.name,
    p.version,
    c."position",
    c.moved_at
   FROM (public.projection p
     JOIN public.projection_cursor c ON ((c.id = p.cursor)));

ALTER TABLE public.projection_cursor ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.projection_cursor_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.recipient (
    identity text NOT NULL COLLATE pg_catalog."C",
    project text NOT NULL COLLATE pg_catalog."C",
    digest text NOT NULL COLLATE pg_catalog."C",
    fund text NOT NULL COLLATE pg_catalog."C",
    elsewhere boolean NOT NULL,
    shared boolean NOT NULL
);

CREATE TABLE public.recipient_rename (
    project text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    fund text NOT NULL COLLATE pg_catalog."C",
    application text NOT NULL COLLATE pg_catalog."C",
    old_name text NOT NULL COLLATE pg_catalog."C",
    old_identity text NOT NULL COLLATE pg_catalog."C",
    new_name text NOT NULL COLLATE pg_catalog."C",
    new_identity text NOT NULL COLLATE pg_catalog."C",
    renamed_on date NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    events bigint[] NOT NULL
);

CREATE TABLE public.reconciliation (
    fund text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    file_sha256 text NOT NULL COLLATE pg_catalog."C",
    first_day date NOT NULL,
    last_day date NOT NULL,
    compared_at bigint NOT NULL,
    lines integer NOT NULL,
    received bigint NOT NULL,
    paid_out bigint NOT NULL,
    matches integer NOT NULL,
    exceptions integer NOT NULL,
    accepted_on date NOT NULL,
    accepted_by text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    events bigint[] NOT NULL,
    CONSTRAINT reconciliation_paid_out_check CHECK ((paid_out >= 0)),
    CONSTRAINT reconciliation_received_check CHECK ((received >= 0))
);

CREATE TABLE public.recovery (
    project text NOT NULL COLLATE pg_catalog."C",
    recovery text NOT NULL COLLATE pg_catalog."C",
    fund text NOT NULL COLLATE pg_catalog."C",
    payment text NOT NULL COLLATE pg_catalog."C",
    ordered_on date NOT NULL,
    due_on date NOT NULL,
    amount bigint NOT NULL,
    received bigint NOT NULL,
    waived bigint NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    events bigint[] NOT NULL,
    lapsed bigint DEFAULT 0 NOT NULL,
    interest bigint NOT NULL,
    interest_received bigint NOT NULL,
    interest_waived bigint NOT NULL,
    CONSTRAINT recovery_amount_check CHECK ((amount > 0)),
    CONSTRAINT recovery_interest_check CHECK ((interest >= 0)),
    CONSTRAINT recovery_lapsed_check CHECK ((lapsed >= 0)),
    CONSTRAINT recovery_received_check CHECK ((received >= 0)),
    CONSTRAINT recovery_waived_check CHECK ((waived >= 0))
);

CREATE TABLE public.refusal (
    id bigint NOT NULL,
    first_at timestamp with time zone DEFAULT now() NOT NULL,
    last_at timestamp with time zone DEFAULT now() NOT NULL,
    times integer DEFAULT 1 NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    post_id text NOT NULL COLLATE pg_catalog."C",
    digest bytea NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    stream text NOT NULL COLLATE pg_catalog."C",
    fund text COLLATE pg_catalog."C",
    actor text NOT NULL COLLATE pg_catalog."C",
    occurred_on date NOT NULL,
    problem text NOT NULL COLLATE pg_catalog."C",
    rule text COLLATE pg_catalog."C",
    title text NOT NULL COLLATE pg_catalog."C",
    title_zh text NOT NULL COLLATE pg_catalog."C",
    facts jsonb NOT NULL,
    not_kept text[] DEFAULT '{}'::text[] NOT NULL,
    bytes integer GENERATED ALWAYS AS ((((((((octet_length((facts)::text) + octet_length(title)) + octet_length(title_zh)) + octet_length(source)) + octet_length(post_id)) + octet_length(stream)) + octet_length(actor)) + 256)) STORED NOT NULL
);

ALTER TABLE public.refusal ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.refusal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.refusal_total (
    key text NOT NULL COLLATE pg_catalog."C",
    kept bigint NOT NULL,
    bytes bigint NOT NULL,
    dropped bigint DEFAULT 0 NOT NULL,
    kept_since timestamp with time zone,
    CONSTRAINT refusal_total_bytes_check CHECK ((bytes >= 0)),
    CONSTRAINT refusal_total_check CHECK (((dropped = 0) = (kept_since IS NULL))),
    CONSTRAINT refusal_total_dropped_check CHECK ((dropped >= 0)),
    CONSTRAINT refusal_total_kept_check CHECK ((kept >= 0))
);

CREATE TABLE public.round (
    project text NOT NULL COLLATE pg_catalog."C",
    round text NOT NULL COLLATE pg_catalog."C",
    fund text NOT NULL COLLATE pg_catalog."C",
    opens_on date NOT NULL,
    closes_on date NOT NULL,
    closed_on date,
    reviewed_on date,
    notice_from date,
    notice_to date,
    notice_completed_on date,
    status text NOT NULL COLLATE pg_catalog."C",
    events bigint[] NOT NULL,
    shown jsonb,
    selection text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.secret (
    only_row boolean DEFAULT true NOT NULL,
    fingerprint bytea NOT NULL,
    CONSTRAINT secret_only_row_check CHECK (only_row)
);

CREATE TABLE public.serial (
    only_row boolean DEFAULT true NOT NULL,
    next bigint NOT NULL,
    CONSTRAINT serial_next_check CHECK ((next >= 0)),
    CONSTRAINT serial_only_row_check CHECK (only_row)
);

CREATE TABLE public.snapshot (
    stream text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    code text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    nonce bigint NOT NULL
);

CREATE TABLE public.spending (
    fund text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    booked_on date NOT NULL,
    allotted bigint NOT NULL,
    confirmed bigint NOT NULL,
    reversed bigint NOT NULL,
    paid bigint NOT NULL,
    surrendered bigint NOT NULL
);

CREATE TABLE public.waiver (
    project text NOT NULL COLLATE pg_catalog."C",
    waiver text NOT NULL COLLATE pg_catalog."C",
    fund text NOT NULL COLLATE pg_catalog."C",
    rule text NOT NULL COLLATE pg_catalog."C",
    award text COLLATE pg_catalog."C",
    application text COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    granted_on date NOT NULL,
    granted_by text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    events bigint[] NOT NULL
);

ALTER TABLE ONLY public.access_change
    ADD CONSTRAINT access_change_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.lot
    ADD CONSTRAINT allotted_once EXCLUDE USING gist (fen WITH &&) WHERE ((depth = 'allotted'::text)) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.api_secret
    ADD CONSTRAINT api_secret_pkey PRIMARY KEY (digest);

ALTER TABLE ONLY public.application
    ADD CONSTRAINT application_pkey PRIMARY KEY (project, application);

ALTER TABLE ONLY public.appropriation
    ADD CONSTRAINT appropriation_first_fen_key UNIQUE (first_fen);

ALTER TABLE ONLY public.appropriation
    ADD CONSTRAINT appropriation_pkey PRIMARY KEY (fund, version);

ALTER TABLE ONLY public.award
    ADD CONSTRAINT award_pkey PRIMARY KEY (project, award);

ALTER TABLE ONLY public.lot
    ADD CONSTRAINT awarded_once EXCLUDE USING gist (fen WITH &&) WHERE ((depth = 'awarded'::text)) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.balance
    ADD CONSTRAINT balance_pkey PRIMARY KEY (fund, project, award, batch);

ALTER TABLE ONLY public.batch_change
    ADD CONSTRAINT batch_change_pkey PRIMARY KEY (fund, block, project, batch, account, booked_on);

ALTER TABLE ONLY public.calendar_import
    ADD CONSTRAINT calendar_import_imported_at_year_key UNIQUE (imported_at, year);

ALTER TABLE ONLY public.calendar_import
    ADD CONSTRAINT calendar_import_pkey PRIMARY KEY (imported_at);

ALTER TABLE ONLY public.calendar_import
    ADD CONSTRAINT calendar_import_replaces_key UNIQUE (replaces);

ALTER TABLE ONLY public.check_run
    ADD CONSTRAINT check_run_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.citation
    ADD CONSTRAINT citation_pkey PRIMARY KEY ("position", seq);

ALTER TABLE ONLY public.claim
    ADD CONSTRAINT claim_pkey PRIMARY KEY (kind, number, source, issuer, own_bank, day, event_day);

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_pkey PRIMARY KEY ("position");

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_stream_version_key UNIQUE (stream, version);

ALTER TABLE ONLY public.finding
    ADD CONSTRAINT finding_pkey PRIMARY KEY (stream, finding);

ALTER TABLE ONLY public.fund
    ADD CONSTRAINT fund_pkey PRIMARY KEY (fund);

ALTER TABLE ONLY public.held_fund
    ADD CONSTRAINT held_fund_pkey PRIMARY KEY (fund);

ALTER TABLE ONLY public.hold
    ADD CONSTRAINT hold_pkey PRIMARY KEY (project, hold);

ALTER TABLE ONLY public.lot
    ADD CONSTRAINT issued_once EXCLUDE USING gist (fen WITH &&) WHERE ((depth = 'issued'::text)) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.lot
    ADD CONSTRAINT lot_pkey PRIMARY KEY (depth, fund, project, batch, award);

ALTER TABLE ONLY public.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.movement
    ADD CONSTRAINT movement_pkey PRIMARY KEY ("position", seq);

ALTER TABLE ONLY public.note
    ADD CONSTRAINT note_pkey PRIMARY KEY ("position");

ALTER TABLE ONLY public.objection
    ADD CONSTRAINT objection_pkey PRIMARY KEY (project, objection);

ALTER TABLE ONLY public.origin_change
    ADD CONSTRAINT origin_change_pkey PRIMARY KEY (fund, block, version, account, booked_on);

ALTER TABLE ONLY public.payment
    ADD CONSTRAINT payment_pkey PRIMARY KEY (project, payment);

ALTER TABLE ONLY public.plan
    ADD CONSTRAINT plan_pkey PRIMARY KEY (fund, "position", project, batch);

ALTER TABLE ONLY public.plan_source
    ADD CONSTRAINT plan_source_pkey PRIMARY KEY (fund, "position", source);

ALTER TABLE ONLY public.post
    ADD CONSTRAINT post_pkey PRIMARY KEY (source, id);

ALTER TABLE ONLY public.project
    ADD CONSTRAINT project_pkey PRIMARY KEY (fund, project);

ALTER TABLE ONLY public.projection_cursor
    ADD CONSTRAINT projection_cursor_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.projection
    ADD CONSTRAINT projection_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.recipient
    ADD CONSTRAINT recipient_pkey PRIMARY KEY (fund, identity, project, digest);

ALTER TABLE ONLY public.recipient_rename
    ADD CONSTRAINT recipient_rename_pkey PRIMARY KEY (project, version);

ALTER TABLE ONLY public.reconciliation
    ADD CONSTRAINT reconciliation_pkey PRIMARY KEY (fund, version);

ALTER TABLE ONLY public.recovery
    ADD CONSTRAINT recovery_pkey PRIMARY KEY (project, recovery);

ALTER TABLE ONLY public.refusal
    ADD CONSTRAINT refusal_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.refusal_total
    ADD CONSTRAINT refusal_total_pkey PRIMARY KEY (key);

ALTER TABLE ONLY public.round
    ADD CONSTRAINT round_pkey PRIMARY KEY (project, round);

ALTER TABLE ONLY public.secret
    ADD CONSTRAINT secret_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.serial
    ADD CONSTRAINT serial_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.snapshot
    ADD CONSTRAINT snapshot_pkey PRIMARY KEY (stream);

ALTER TABLE ONLY public.spending
    ADD CONSTRAINT spending_pkey PRIMARY KEY (fund, version, booked_on);

ALTER TABLE ONLY public.lot
    ADD CONSTRAINT surrendered_once EXCLUDE USING gist (fen WITH &&) WHERE ((depth = 'surrendered'::text)) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.waiver
    ADD CONSTRAINT waiver_pkey PRIMARY KEY (project, waiver);

CREATE INDEX api_secret_name_idx ON public.api_secret USING btree (name);

CREATE INDEX application_fund_received_position_idx ON public.application USING btree (fund, received_position);

CREATE INDEX application_identity_idx ON public.application USING btree (identity);

CREATE INDEX application_received_position_idx ON public.application USING btree (received_position);

CREATE INDEX award_decided_position_award_idx ON public.award USING btree (decided_position, award);

CREATE INDEX award_fund_decided_position_idx ON public.award USING btree (fund, decided_position) WHERE (payee_identity <> identity);

CREATE INDEX award_fund_payee_digest_idx ON public.award USING btree (fund, payee_digest);

CREATE INDEX award_fund_project_rank_award_idx ON public.award USING btree (fund, project, rank, award);

CREATE INDEX award_identity_idx ON public.award USING btree (identity);

CREATE INDEX award_payee_identity_idx ON public.award USING btree (payee_identity);

CREATE INDEX award_plain_idx ON public.award USING btree (public.plain(applicant));

CREATE INDEX award_plain_idx1 ON public.award USING btree (public.plain(payee));

CREATE INDEX award_project_application_idx ON public.award USING btree (project, application);

CREATE UNIQUE INDEX calendar_import_first ON public.calendar_import USING btree (year) WHERE (replaces IS NULL);

CREATE INDEX citation_plain_position_idx ON public.citation USING btree (plain, "position");

CREATE INDEX claim_kind_number_idx ON public.claim USING btree (kind, number) WHERE shared;

CREATE INDEX event_expr_position_idx ON public.event USING btree (((fact ->> 'fund'::text)), "position");

CREATE INDEX finding_fund_idx ON public.finding USING btree (fund, (events[1]));

CREATE INDEX hold_fund_idx ON public.hold USING btree (fund, (events[1]));

CREATE INDEX lot_ever_idx ON public.lot USING gist (ever);

CREATE INDEX movement_fund_booked_on_idx ON public.movement USING btree (fund, booked_on) WHERE ((type = ANY (ARRAY['PaymentReturned'::text, 'RecoveryReceived'::text])) OR (entry = ANY (ARRAY['PaymentReturned'::text, 'RecoveryReceived'::text])));

CREATE INDEX movement_fund_idx ON public.movement USING btree (fund) WHERE (project IS NULL);

CREATE INDEX movement_fund_position_idx ON public.movement USING btree (fund, "position");

CREATE INDEX movement_fund_position_idx1 ON public.movement USING btree (fund, "position") WHERE ((type = 'FundsReallocated'::text) OR (entry = 'FundsReallocated'::text));

CREATE INDEX movement_fund_position_idx2 ON public.movement USING btree (fund, "position") WHERE (type = 'EntryReversed'::text);

CREATE INDEX movement_interest_idx ON public.movement USING btree (fund, "position") WHERE (((source)::text = 'interest'::text) OR ((target)::text = 'interest'::text));

CREATE INDEX movement_project_award_batch_position_idx ON public.movement USING btree (project, award, batch, "position");

CREATE INDEX movement_project_award_idx ON public.movement USING btree (project, award) WHERE ((type = 'AwardAmended'::text) OR (entry = 'AwardAmended'::text));

CREATE INDEX note_fund_project_corrects_idx ON public.note USING btree (fund, project, corrects) WHERE (corrects IS NOT NULL);

CREATE INDEX objection_fund_idx ON public.objection USING btree (fund);

CREATE UNIQUE INDEX one_waiting ON public.check_run USING btree ((true)) WHERE (started_at IS NULL);

CREATE INDEX payment_fund_requested_position_idx ON public.payment USING btree (fund, requested_position);

CREATE INDEX payment_fund_requested_position_idx1 ON public.payment USING btree (fund, requested_position) WHERE payee_differs;

CREATE INDEX payment_payee_identity_idx ON public.payment USING btree (payee_identity);

CREATE INDEX payment_payment_idx ON public.payment USING btree (payment);

CREATE INDEX payment_plain_idx ON public.payment USING btree (public.plain(voucher));

CREATE INDEX payment_plain_idx1 ON public.payment USING btree (public.plain(bank_reference));

CREATE INDEX payment_plain_idx2 ON public.payment USING btree (public.plain(payee));

CREATE INDEX payment_project_award_idx ON public.payment USING btree (project, award);

CREATE INDEX payment_project_award_idx1 ON public.payment USING btree (project, award) WHERE ((returned > 0) OR (recovered > 0));

CREATE INDEX payment_project_requested_position_idx ON public.payment USING btree (project, requested_position);

CREATE INDEX payment_requested_position_idx ON public.payment USING btree (requested_position);

CREATE INDEX project_project_idx ON public.project USING btree (project);

CREATE INDEX recipient_fund_digest_idx ON public.recipient USING btree (fund, digest);

CREATE INDEX recipient_fund_digest_idx1 ON public.recipient USING btree (fund, digest) WHERE shared;

CREATE INDEX recipient_fund_identity_idx ON public.recipient USING btree (fund, identity) WHERE elsewhere;

CREATE INDEX recipient_identity_fund_idx ON public.recipient USING btree (identity, fund);

CREATE INDEX recipient_rename_fund_idx ON public.recipient_rename USING btree (fund);

CREATE INDEX recipient_rename_new_identity_idx ON public.recipient_rename USING btree (new_identity);

CREATE INDEX recipient_rename_old_identity_idx ON public.recipient_rename USING btree (old_identity);

CREATE INDEX recipient_rename_plain_idx ON public.recipient_rename USING btree (public.plain(old_name));

CREATE INDEX recipient_rename_plain_idx1 ON public.recipient_rename USING btree (public.plain(new_name));

CREATE INDEX recipient_rename_project_application_idx ON public.recipient_rename USING btree (project, application);

CREATE INDEX recovery_fund_idx ON public.recovery USING btree (fund);

CREATE INDEX refusal_fund_id_idx ON public.refusal USING btree (fund, id);

CREATE INDEX refusal_key_id_idx ON public.refusal USING btree (key, id);

CREATE UNIQUE INDEX refusal_key_source_post_id_digest_problem_md5_idx ON public.refusal USING btree (key, source, post_id, digest, problem, md5((facts)::text));

CREATE INDEX refusal_source_post_id_idx ON public.refusal USING btree (source, post_id);

CREATE INDEX round_fund_idx ON public.round USING btree (fund);

CREATE INDEX waiver_fund_idx ON public.waiver USING btree (fund);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.access_change FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.calendar_import FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.event FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.post FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER count_deleted AFTER DELETE ON public.refusal REFERENCING OLD TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION public.count_refusals();

CREATE TRIGGER count_inserted AFTER INSERT ON public.refusal REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION public.count_refusals();

ALTER TABLE ONLY public.api_secret
    ADD CONSTRAINT api_secret_name_fkey FOREIGN KEY (name) REFERENCES public.api_key(name);

ALTER TABLE ONLY public.calendar_import
    ADD CONSTRAINT calendar_import_replaces_year_fkey FOREIGN KEY (replaces, year) REFERENCES public.calendar_import(imported_at, year);

ALTER TABLE ONLY public.claim
    ADD CONSTRAINT claim_stream_version_fkey FOREIGN KEY (stream, version) REFERENCES public.event(stream, version);

ALTER TABLE ONLY public.held_fund
    ADD CONSTRAINT held_fund_position_fkey FOREIGN KEY ("position") REFERENCES public.event("position");

ALTER TABLE ONLY public.post
    ADD CONSTRAINT post_first_position_fkey FOREIGN KEY (first_position) REFERENCES public.event("position");

ALTER TABLE ONLY public.post
    ADD CONSTRAINT post_last_position_fkey FOREIGN KEY (last_position) REFERENCES public.event("position");

ALTER TABLE ONLY public.projection
    ADD CONSTRAINT projection_cursor_fkey FOREIGN KEY (cursor) REFERENCES public.projection_cursor(id);
