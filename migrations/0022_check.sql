-- check_run: each check of the ledger that was asked for, and what it found.
create table check_run (
    id bigint generated always as identity primary key,
    asked_at timestamptz not null default now(),
    asked_by text not null,  -- the key's name, or `schedule`
    started_at timestamptz,
    finished_at timestamptz,
    errors bigint,  -- null: it could not be finished
    report jsonb
);
create unique index one_waiting on check_run ((true)) where started_at is null;

-- What a fund's or a project's followers and the rules' replay read: the log fund by fund.
create index on event ((fact ->> 'fund'), position);
