-- The whole life of the money: what the tables need to tell every event, and every entry that was reversed. The tables
-- that change are emptied, and the projector folds them again from the start.

truncate fund, project, application, award, payment, citation;
delete from projection where name in ('fund', 'project', 'plan', 'application', 'award', 'payment', 'citation');

alter table movement add column entry text;  -- the type of the entry that an EntryReversed undoes

-- plan: what each whole plan gives a project in a batch, from the position on that put it in force. What was reallocated
-- since is in the movements: `plan_at` adds it.
drop function standing_at;
drop table plan;
create table plan (
    fund text not null,
    position bigint not null,
    project text not null,
    batch integer not null,
    booked_on date not null,
    batch_name text not null,
    gate text not null,
    planned bigint not null check (planned >= 0),
    primary key (fund, position, project, batch)
);

-- The plan of a fund, now or as it stood: after a position, or at the end of a booking date.
create function plan_at(of_fund text, at_position bigint, at_booked_on date)
returns table (project text, batch integer, batch_name text, gate text, planned bigint) language sql stable as $$
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

-- Plan beside actual: for each line of the plan and each batch, one row per award (what it has) and one with award ''
-- for what is not given to any. `allotted` is the sum of the six accounts.
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
    )
    select
        p.project, p.batch, '', p.planned - coalesce(g.amount, 0), coalesce(h.line, 0)::numeric,
        coalesce(h.line, 0), 0, 0, 0, 0, 0
    from plan_at(of_fund, at_position, at_booked_on) as p
    left join held as h on h.project = p.project and h.batch = p.batch and h.award = ''
    left join (select project, batch, sum(amount) as amount from given group by project, batch) as g
        on g.project = p.project and g.batch = p.batch
    union all
    select
        project, batch, award, amount, amount,
        0, committed, payable, in_approval, in_transit, paid
    from given
$$;

alter table fund
    add column settings jsonb not null,
    add column settings_version integer not null,
    add column plan_position bigint,  -- of the event that put the plan in force
    add column closed_through date,
    drop column adopted_on;
alter table project
    add column in_plan boolean not null,
    alter column closed_position drop not null;
alter table application
    add column status text not null,  -- live, withdrawn, excluded, awarded, reversed
    alter column screened drop not null;
alter table award
    add column status text not null,
    add column ends_on date;
alter table payment add column recovered bigint not null check (recovered >= 0);

-- What a document's number is known by, however it was typed; a 文号 with its year in 〔〕 and a bare serial.
create function document_number(typed text) returns text language sql immutable strict parallel safe
return regexp_replace(plain(typed), '^(.+)[〔\[(【{]([0-9]{4})[〕\])】}]第?0*([0-9]{1,12})号$', '\1〔\2〕\3号');

with known as (
    select
        kind,
        number,
        case kind
            when '支付凭证号' then substring(number from '^[0-9]+/')
                || document_number(substring(number from '^[0-9]+/(.*)/[0-9]+$')) || substring(number from '/[0-9]+$')
            else document_number(number)
        end as normal
    from claim
)
update claim set number = k.normal
from known as k
where
    claim.kind = k.kind
    and claim.number = k.number
    and (select count(*) from known as other where other.kind = k.kind and other.normal = k.normal) = 1;

alter table citation
    add column title text,
    add column issuer text,
    add column date date,
    add column sha256 text;

-- round: each call for applications, and where its round stands.
create table round (
    project text not null,
    round text not null,  -- its number, as entries name it
    fund text not null,
    opens_on date not null,
    closes_on date not null,
    closed_on date,
    reviewed_on date,
    notice_from date,
    notice_to date,
    notice_completed_on date,
    status text not null,  -- under_way, decided, failed, reversed
    events bigint[] not null,
    primary key (project, round)
);
create index on round (fund);

-- objection: each objection to a notice, and how it was answered.
create table objection (
    project text not null,
    objection text not null,
    fund text not null,
    application text,  -- null: to the whole list
    reason text not null,
    received_on date not null,
    status text not null,  -- open, upheld, rejected, reversed
    resolved_on date,
    events bigint[] not null,
    primary key (project, objection)
);
create index on objection (fund);

-- recovery: each order to pay back, and what came of it, in fen.
create table recovery (
    project text not null,
    recovery text not null,
    fund text not null,
    payment text not null,
    ordered_on date not null,
    due_on date not null,
    amount bigint not null check (amount > 0),
    received bigint not null check (received >= 0),
    waived bigint not null check (waived >= 0),
    status text not null,  -- ordered, reversed
    events bigint[] not null,
    primary key (project, recovery)
);
create index on recovery (fund);

-- waiver: each rule that was set aside for one award or application.
create table waiver (
    project text not null,
    waiver text not null,  -- rule/kind/name
    fund text not null,
    rule text not null,
    award text,
    application text,
    reason text not null,
    granted_on date not null,
    granted_by text not null,
    status text not null,  -- granted, reversed
    events bigint[] not null,
    primary key (project, waiver)
);
create index on waiver (fund);

-- appropriation: what the fund received, for which year, and how far it was carried forward.
create table appropriation (
    fund text not null,
    version bigint not null,  -- of its AppropriationReceived in the fund's stream
    position bigint not null,
    budget_year integer not null,
    amount bigint not null check (amount > 0),
    carried_out_of integer,
    events bigint[] not null,
    primary key (fund, version)
);
