-- fund: one row per special fund.
create table fund (
    fund text primary key,
    name text not null,
    name_en text,
    title text,  -- of the adopted plan, like the tasks: [{"code": …, "name": …}, …]
    tasks jsonb,
    appropriated bigint not null default 0 check (appropriated >= 0),
    established_position bigint not null,
    adopted_position bigint,
    adopted_on date,
    closed_position bigint
);
