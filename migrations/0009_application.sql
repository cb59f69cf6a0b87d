-- application: one row per application, with its screening and its latest score.
create table application (
    project text not null,
    application text not null,
    fund text not null,
    round integer not null,
    applicant text not null,
    uscc text not null,
    received_on date not null,
    screened text not null,
    score text,
    events bigint[] not null,
    primary key (project, application)
);
create index on application (fund);
