-- What a line of the plan says about itself, the state of each award at its checkpoints, and the notes on record.

alter table project
    add column checkpoints text[] collate "C" not null default '{}',  -- in their order; empty: only the acceptance
    add column objective text collate "C",
    add column support text collate "C",
    add column goals jsonb not null default '[]';
alter table project alter column checkpoints drop default, alter column goals drop default;

alter table award
    add column checkpoints jsonb not null default '{}';  -- by name; the last one's name is always "acceptance"
alter table award alter column checkpoints drop default;

-- note: what was put on record about a fund, a project, an application or an award. Rows are never changed: a note that
-- corrects another names its version.
create table note (
    position bigint primary key,
    fund text collate "C" not null,
    project text collate "C",  -- null: on the fund
    version bigint not null,  -- in the stream of the fund or project
    kind text collate "C" not null,
    application text collate "C",
    award text collate "C",
    text text collate "C" not null,
    noted_on date not null,
    corrects bigint
);
create index on note (fund, project, corrects) where corrects is not null;
