-- plan: what the adopted plan gives each project in each batch, in fen, and the gate it is paid behind.
create table plan (
    fund text not null,
    project text not null,
    batch integer not null,
    batch_name text not null,
    gate text not null,
    planned bigint not null check (planned > 0),
    primary key (fund, project, batch)
);
