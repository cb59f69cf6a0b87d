-- What a line of the plan says about itself, and the state of each award at its checkpoints.

alter table project
    add column checkpoints text[] collate "C" not null default '{}',  -- in their order; empty: only the acceptance
    add column objective text collate "C",
    add column support text collate "C",
    add column goals jsonb not null default '[]';
alter table project alter column checkpoints drop default, alter column goals drop default;

alter table award
    add column checkpoints jsonb not null default '{}';  -- by name; the last one's name is always "acceptance"
alter table award alter column checkpoints drop default;
