-- award: one row per award 立项, with where its acceptance stands; `events` are the positions of its steps.
create table award (
    project text not null,
    award text not null,
    fund text not null,
    application text not null,
    applicant text not null,
    uscc text not null,
    payee text not null,
    payee_uscc text not null,
    payee_account text not null,  -- last four digits
    score text not null,
    rank integer not null,
    decided_on date not null,
    acceptance text not null,
    rectify_by date,
    events bigint[] not null,
    primary key (project, award)
);
create index on award (fund);
