-- Balances by batch, project and task need no row for each award: of a fund of 20 000 awards these were summed first,
-- then added up. And one walk gives the rows and their total: standing_at also tells what stands on the fund itself.

drop function standing_at;
drop function balance_at;
-- What stood in each account: now, if neither is given. Its columns are named here, so that no function depends on the
-- table, and a rebuilt one may take its place. by_award: a row for each award; else one, called '*', for all
-- that is awarded of a project's batch.
create function balance_at(at_position bigint, at_booked_on date, by_award boolean default true) returns table (
    fund text, project text, batch integer, award text, pool bigint, surrendered bigint, recovered bigint,
    line bigint, committed bigint, payable bigint, in_approval bigint, in_transit bigint, paid bigint
) language sql stable as $$
    select * from balance where by_award and at_position is null and at_booked_on is null
    union all
    select
        fund, project, batch, case when award = '' then '' else '*' end,
        sum(pool)::bigint, sum(surrendered)::bigint, sum(recovered)::bigint, sum(line)::bigint, sum(committed)::bigint,
        sum(payable)::bigint, sum(in_approval)::bigint, sum(in_transit)::bigint, sum(paid)::bigint
    from balance
    where not by_award and at_position is null and at_booked_on is null
    group by 1, 2, 3, 4
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
        select
            fund, project, batch, case when by_award then award else '*' end as award, source, target,
            sum(amount) as amount
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

-- Plan beside actual: a row for what is awarded, of each award or of all; a row for each line and batch, its award '',
-- for what is not given to any; and one without a project for what stands on the fund itself.
create function standing_at(of_fund text, at_position bigint, at_booked_on date, by_award boolean)
returns table (
    project text, batch integer, award text, planned numeric, allotted numeric,
    line bigint, committed bigint, payable bigint, in_approval bigint, in_transit bigint, paid bigint,
    pool bigint, recovered bigint, surrendered bigint
) language sql stable as $$
    with held as materialized (
        select * from balance_at(at_position, at_booked_on, by_award) as b where b.fund = of_fund
    ), given as (
        select h.*, h.committed + h.payable + h.in_approval + h.in_transit + h.paid as amount
        from held as h
        where h.award <> ''
    )
    select
        p.project, p.batch, '', p.planned - coalesce(g.amount, 0), coalesce(h.line, 0)::numeric,
        coalesce(h.line, 0), 0, 0, 0, 0, 0, 0, 0, 0
    from plan_at(of_fund, at_position, at_booked_on) as p
    left join held as h on h.project = p.project and h.batch = p.batch and h.award = ''
    left join (select project, batch, sum(amount) as amount from given group by project, batch) as g
        on g.project = p.project and g.batch = p.batch
    union all
    select
        project, batch, award, amount, amount,
        0, committed, payable, in_approval, in_transit, paid, 0, recovered, 0
    from given
    union all
    select '', 0, '', 0, 0, 0, 0, 0, 0, 0, 0, coalesce(sum(pool), 0)::bigint, 0, coalesce(sum(surrendered), 0)::bigint
    from held
    where project = ''
$$;

-- What a fund received, and what stands on itself, of all rows of standing_at: as the answer names it.
create function of_fund(allotted numeric, pool numeric, recovered numeric, surrendered numeric)
returns json language sql immutable parallel safe
return json_build_object(
    'pool', yuan(pool), 'recovered', yuan(recovered), 'surrendered', yuan(surrendered),
    'appropriated', yuan(allotted + pool + recovered + surrendered)
);
