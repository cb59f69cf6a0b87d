-- Awards that are chosen from a list, whose public notice has its entries, instead of among those who apply to a call.

alter table project
    add column selection text collate "C" not null default 'open_call';
alter table project alter column selection drop default;

alter table round
    add column selection text collate "C" not null default 'open_call';
alter table round alter column selection drop default;

alter table application
    add column rewarded_for text collate "C",  -- of an entry of a list
    add column grounds text collate "C";  -- of an entry of a list: why it is rewarded

-- What a notice shows: for each application, and each new entry of a list, its name and amount.
create function listed_in(notice jsonb) returns jsonb language sql immutable parallel safe as $$
    select (notice -> 'applications') || coalesce(notice -> 'entries', '[]')
$$;

-- As before, with the entries of a list, and with supplementary notices that an objection has made void.
create or replace function shown_at(of_project text, of_round text, at_position bigint, at_booked_on date) returns jsonb language sql stable as $$
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

-- For the many awards without a step at a checkpoint, it is not called.
alter function checkpoints_after(jsonb) strict;

-- The first of `events`. With an index on this column, and none on `events`, a step of an award changes no indexed
-- column: PostgreSQL then adds no entry to any index, if the page has room for the new row.
alter table award add column decided_position bigint;
update award set decided_position = events[1];
alter table award alter column decided_position set not null;
drop index award_events_award_idx, award_fund_events_idx;
create index on award (decided_position, award);
create index on award (fund, decided_position) where payee_identity <> identity;
alter table award set (fillfactor = 80);

-- The applications of a recipient with this identity, on receipt or before or after a change of name.
create function applications_of(searched text) returns table (project text, application text) language sql stable as $$
    select project, application from application where identity = searched
    union
    select project, application
    from recipient_rename
    where status = 'recorded' and searched in (old_identity, new_identity)
$$;
create index on application (identity);

-- As before. Without the limit, the function becomes part of a query that reads the plan's lines, and PostgreSQL may
-- then read the `lines` of other events first, such as a reconciled statement, where they are a number.
create or replace function whole_plan_at(of_fund text, at_position bigint, at_booked_on date) returns setof jsonb
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
    limit 1
$$;
