-- Reads that took longer with every payment: balances, also of the past, appropriations, and pages of payments and
-- awards. What changes with each fold is kept in projections; `suyuan migrate` rebuilds them after this migration.

-- batch_change: how the movements of one booking date, in one block of ten thousand positions, changed an account of a
-- batch of a project. Movements without a project are in the rows whose project is ''. The sum over all blocks is the
-- present balance; the balance as of a position is the sum over the blocks before it, and of the movements since.
create table batch_change (
    fund text collate "C" not null,
    block bigint not null,
    project text collate "C" not null,
    batch integer not null,
    account account not null,
    booked_on date not null,
    change bigint not null,
    primary key (fund, block, project, batch, account, booked_on)
);

-- The first of the fen that an appropriation issued, which are consecutive, and its booking date. The values of rows
-- that exist already are set by the rebuild; until then, the first fen are negative, because they must differ.
alter table appropriation add column first_fen bigint, add column received_on date not null default '-infinity';
update appropriation set first_fen = -position;
alter table appropriation
    alter column first_fen set not null,
    alter column received_on drop default,
    add unique (first_fen);

-- spending: what happened to the fen of an appropriation, by the booking date of the entries; a reversal counts on the
-- date of the entry that it reverses.
create table spending (
    fund text collate "C" not null,
    version bigint not null,  -- of the appropriation's AppropriationReceived in the fund's stream
    booked_on date not null,
    allotted bigint not null,  -- by FundsAllotted
    confirmed bigint not null,  -- by PaymentConfirmed
    reversed bigint not null,  -- back to the treasury
    paid bigint not null,  -- in the account `paid`
    surrendered bigint not null,  -- in the account `surrendered`
    primary key (fund, version, booked_on)
);

-- The confirmation of a payment, which is not looked up in the log for every alert.
alter table payment
    add column requested_position bigint not null default 0,
    add column confirmed_position bigint,
    add column booked_on date;
alter table payment alter column requested_position drop default;

-- Pages of payments in one project or fund, in the order of their requests.
drop index payment_events_idx;
drop index payment_fund_idx;
create index on payment (requested_position);
create index on payment (fund, requested_position);
create index on payment (project, requested_position);
create index on payment (fund, requested_position) where payee_differs;

-- The balances and movements of one award, whatever its batch. PostgreSQL 15 does not skip a column of an index.
alter table balance drop constraint balance_pkey, add primary key (fund, project, award, batch);
drop index movement_project_batch_award_position_idx;
create index on movement (project, award, batch, position);
-- Awards in the order of the balances by award.
drop index award_fund_idx;
create index on award (fund, project, rank, award);

-- The balances of each batch of a fund as of a position and booking date; null is now. The money in the pool, and what
-- was surrendered, is the sum over all rows.
create function batch_balance_at(of_fund text, at_position bigint, at_booked_on date) returns table (
    project text, batch integer, pool bigint, surrendered bigint, recovered bigint, line bigint, committed bigint,
    payable bigint, in_approval bigint, in_transit bigint, paid bigint
) language sql stable as $$
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

-- What was planned for each batch of a fund, and what stands in its accounts, as of a position and booking date; and a
-- row without a project for the fund itself.
drop function standing_at;
create function standing_at(of_fund text, at_position bigint, at_booked_on date) returns table (
    project text, batch integer, planned bigint, allotted bigint, line bigint, committed bigint, payable bigint,
    in_approval bigint, in_transit bigint, paid bigint, pool bigint, recovered bigint, surrendered bigint
) language sql stable as $$
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

-- The last day on which an appropriation may be spent.
create function spend_by(budget_year integer, carried_out_of integer, settings jsonb) returns date
language sql immutable parallel safe return make_date(
    -- Logs from before funds had this setting use its default.
    greatest(budget_year + coalesce((settings ->> 'years_to_spend')::integer, 2) - 1, carried_out_of + 1), 12, 31
);

-- The balances of each batch of one award as of a position and booking date; null is now.
create function award_balance_at(
    of_fund text, of_project text, of_award text, at_position bigint, at_booked_on date
) returns table (
    batch integer, committed bigint, payable bigint, in_approval bigint, in_transit bigint, paid bigint
) language sql stable as $$
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

-- Every balance, by award, as of a position and booking date; null is now.
drop function balance_at;
create function balance_at(at_position bigint, at_booked_on date) returns table (
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
    where account <> 'treasury'
    group by 1, 2, 3, 4
$$;
