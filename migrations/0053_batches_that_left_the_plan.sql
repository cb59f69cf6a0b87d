-- A batch, or a whole line, that a revision has taken out of the plan keeps what was adopted for it, and may still hold
-- money. The register of the plan leaves neither out.

create function plan_batches_at(of_fund text, at_position bigint, at_booked_on date) returns table (
    project text, batch integer, batch_name text, gate text, plan_position bigint, in_plan boolean, adopted bigint,
    planned bigint, allotted bigint, line bigint, committed bigint, payable bigint, in_approval bigint,
    in_transit bigint, paid bigint
)
language sql stable
as $$
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
