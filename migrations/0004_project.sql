-- project: one row per line of an adopted plan, opened or not, named as in the body and in the annex.
create table project (
    fund text not null,
    project text not null,  -- two plans may name one code; only one of them can open it
    number integer not null,
    number_raw text,
    name text not null,
    name_annex text not null,
    name_en text,
    tasks text[] not null,
    award_rule text not null,
    awards integer not null,
    fixed_total boolean not null,
    opened_position bigint,
    closed_position bigint,
    primary key (fund, project)
);
create index on project (project);
