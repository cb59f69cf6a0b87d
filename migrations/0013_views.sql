-- What auditors read, as functions and views over the projections: amounts in yuan, ready to be answered.

-- An amount in fen as yuan with exactly two places.
create function yuan(amount numeric) returns text language sql immutable strict parallel safe
return round(amount / 100, 2)::text;

-- The rows of `balance`, now or as they stood: after a position, or at the end of a booking date.
create function balance_at(at_position bigint, at_booked_on date) returns setof balance language sql stable as $$
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
    from movement
    cross join lateral (values (source, -amount), (target, amount)) as leg (account, change)
    where
        (at_position is not null or at_booked_on is not null)
        and account <> 'treasury'
        and position <= coalesce(at_position, position)
        and booked_on <= coalesce(at_booked_on, booked_on)
    group by 1, 2, 3, 4
$$;

-- Plan beside actual: for each line of the adopted plan and each batch, one row per award (what it has) and one
-- with award '' for what is not given to any. `allotted` is the sum of the six accounts.
create function standing_at(of_fund text, at_position bigint, at_booked_on date)
returns table (
    project text, batch integer, award text, planned numeric, allotted numeric,
    line bigint, committed bigint, payable bigint, in_approval bigint, in_transit bigint, paid bigint
) language sql stable as $$
    with held as (
        select * from balance_at(at_position, at_booked_on) as b where b.fund = of_fund and b.project <> ''
    ), given as (
        select h.*, h.committed + h.payable + h.in_approval + h.in_transit + h.paid as amount
        from held as h
        where h.award <> ''
    ), adopted as (
        select p.* from plan as p
        join fund as f using (fund)
        where
            p.fund = of_fund
            and f.adopted_position <= coalesce(at_position, f.adopted_position)
            and f.adopted_on <= coalesce(at_booked_on, f.adopted_on)
    )
    select
        p.project, p.batch, '', p.planned - coalesce(g.amount, 0), coalesce(h.line, 0)::numeric,
        coalesce(h.line, 0), 0, 0, 0, 0, 0
    from adopted as p
    left join held as h on h.project = p.project and h.batch = p.batch and h.award = ''
    left join (select project, batch, sum(amount) as amount from given group by project, batch) as g
        on g.project = p.project and g.batch = p.batch
    union all
    select
        project, batch, award, amount, amount,
        0, committed, payable, in_approval, in_transit, paid
    from given
$$;

-- The figures of some rows of standing_at: plan beside actual, in yuan, in the order they are answered in.
create function figures(
    planned numeric, allotted numeric, line numeric, committed numeric, payable numeric,
    in_approval numeric, in_transit numeric, paid numeric
) returns json language sql immutable parallel safe
return json_build_object(
    'planned', yuan(planned), 'allotted', yuan(allotted), 'line', yuan(line), 'committed', yuan(committed),
    'payable', yuan(payable), 'in_approval', yuan(in_approval), 'in_transit', yuan(in_transit), 'paid', yuan(paid)
);
