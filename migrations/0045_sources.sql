-- The sources of a fund's money: listed by its plan, named by its appropriations, and followed by the fen.

alter table appropriation
    add column source text collate "C",  -- null: the first one of the plan
    add column documents jsonb not null default '[]';
alter table appropriation alter column documents drop default;

create table plan_source (
    fund text collate "C" not null,
    position bigint not null,  -- of the plan's PlanAdopted or PlanRevised
    source text collate "C" not null,
    rank bigint not null,  -- from 1, in the order of the plan
    booked_on date not null,
    name text collate "C" not null,
    level text collate "C" not null,
    amount bigint not null,
    primary key (fund, position, source)
);

-- origin_change: how the movements of one booking date, in one block of ten thousand positions, changed an account of
-- the fen of one appropriation. As batch_change, by where the money comes from in place of what it is for. The first
-- appropriation of a fund has no rows: its fen are those that the others have not.
create table origin_change (
    fund text collate "C" not null,
    block bigint not null,
    version bigint not null,  -- of the appropriation's AppropriationReceived in the fund's stream
    account account not null,
    booked_on date not null,
    change bigint not null,
    primary key (fund, block, version, account, booked_on)
);

-- The sources of the plan that was in force as of a position and booking date; null is now.
create function plan_source_at(of_fund text, at_position bigint, at_booked_on date) returns table (
    source text, rank bigint, name text, level text, amount bigint
) language sql stable as $$
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

-- The source of each appropriation of a fund, by the plan that was in force as of a position and booking date; null is
-- now. An appropriation that names no source is of the first one of the plan.
create function appropriation_source_at(of_fund text, at_position bigint, at_booked_on date) returns table (
    version bigint, source text, name text, level text
) language sql stable as $$
    with listed as (
        select * from plan_source_at(of_fund, at_position, at_booked_on)
    )
    select a.version, coalesce(a.source, l.source), l.name, l.level
    from appropriation as a
    left join listed as l on case when a.source is null then l.rank = 1 else l.source = a.source end
    where a.fund = of_fund
$$;

-- The balances of the fen of each appropriation of a fund as of a position and booking date; null is now. The first one
-- has what the fund has and the others have not.
create function origin_balance_at(of_fund text, at_position bigint, at_booked_on date) returns table (
    version bigint, pool bigint, surrendered bigint, recovered bigint, line bigint, committed bigint, payable bigint,
    in_approval bigint, in_transit bigint, paid bigint
) language sql stable as $$
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

-- The figures of a source or an appropriation. What it gave is what it has in all accounts.
create function origin_figures(
    planned numeric, pool numeric, recovered numeric, surrendered numeric, line numeric, committed numeric,
    payable numeric, in_approval numeric, in_transit numeric, paid numeric
) returns json language sql immutable parallel safe return json_build_object(
    'planned', yuan(planned),
    'appropriated', yuan(pool + recovered + surrendered + line + committed + payable + in_approval + in_transit + paid),
    'pool', yuan(pool),
    'recovered', yuan(recovered),
    'surrendered', yuan(surrendered),
    'allotted', yuan(line + committed + payable + in_approval + in_transit + paid),
    'line', yuan(line),
    'committed', yuan(committed),
    'payable', yuan(payable),
    'in_approval', yuan(in_approval),
    'in_transit', yuan(in_transit),
    'paid', yuan(paid)
);
