-- What auditors read of each application and award: what was applied for, shown, decided, amended, returned and
-- recovered.

alter table application
    add column number text collate "C",  -- 受理号
    add column amount bigint check (amount > 0),
    add column title text collate "C",
    add column place text collate "C",
    add column starts_on date,
    add column ends_on date,
    add column excluded boolean not null default false,
    add column received_position bigint not null default 0;
alter table application alter column excluded drop default, alter column received_position drop default;
drop index application_fund_idx;
create index on application (fund, received_position);
create index on application (received_position);

-- By application, the amount in yuan of the last completed notice that listed it. As `noticed` in the state of a round.
alter table round add column shown jsonb;

alter table award
    add column round integer not null default 0,
    add column applied bigint,
    add column decided bigint not null default 0 check (decided >= 0);
alter table award alter column round drop default, alter column decided drop default;
create index on award (project, application);

-- Few of all movements and payments.
create index on movement (project, award) where type = 'AwardAmended' or entry = 'AwardAmended';
create index on movement (fund, booked_on)
    where type in ('PaymentReturned', 'RecoveryReceived') or entry in ('PaymentReturned', 'RecoveryReceived');
create index on payment (project, award) where returned > 0 or recovered > 0;

-- The whole plan that was in force as of a position and booking date, as its event has it; null is now.
create function whole_plan_at(of_fund text, at_position bigint, at_booked_on date) returns setof jsonb
language sql stable as $$
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
$$;

-- Whether an award was live or terminated as of a position and booking date: decided, and neither declined nor
-- revoked. `events`: those of the award. The facts of award lists, and of their reversals, are long, so their movements
-- are read.
create function award_counted_at(
    of_project text, of_award text, events bigint[], at_position bigint, at_booked_on date
) returns boolean language sql stable as $$
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

-- What the notices of a round showed, as of a position and booking date: as `shown` of the round was then.
create function shown_at(of_project text, of_round text, at_position bigint, at_booked_on date) returns jsonb
language sql stable as $$
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
            and version not in (select (fact ->> 'version')::bigint from history where type = 'EntryReversed')
    ), void as materialized (
        select v.position, notice.fact -> 'applications' as applications
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
    )
    select jsonb_object_agg(l.row ->> 'application', l.row ->> 'amount' order by n.position)
    from noticing as n
    cross join lateral jsonb_array_elements(n.fact -> 'applications') as l (row)
    where
        n.type = 'NoticeStarted'
        and n.next_type = 'NoticeCompleted'
        and n.position > coalesce(n.reviewed, 0)
        and not exists (
            select from void as v
            where
                v.position > n.position
                and v.applications @> jsonb_build_array(jsonb_build_object('application', l.row ->> 'application'))
        )
$$;
