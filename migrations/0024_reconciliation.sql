-- reconciliation: each acceptance of a statement that was held against the books, and whether it was taken back.
create table reconciliation (
    fund text not null,
    version bigint not null,  -- of its StatementReconciled in the fund's stream
    file_sha256 text not null,
    first_day date not null,
    last_day date not null,
    compared_at bigint not null,  -- the position of the log that the statement was held against
    lines integer not null,
    received bigint not null check (received >= 0),
    paid_out bigint not null check (paid_out >= 0),
    matches integer not null,
    exceptions integer not null,
    accepted_on date not null,
    accepted_by text not null,
    status text not null,  -- accepted, reversed
    events bigint[] not null,
    primary key (fund, version)
);
