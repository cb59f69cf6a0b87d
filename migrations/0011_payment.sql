-- payment: one row per payment request, with where it stands; `events` are the positions of its steps.
create table payment (
    project text not null,
    payment text not null,
    fund text not null,
    award text not null,
    batch integer not null,
    amount bigint not null check (amount > 0),
    status text not null,
    payee text not null,
    payee_uscc text,  -- a bank slip may leave it out
    payee_account text not null,  -- last four digits
    payee_differs boolean not null,
    requested_on date not null,
    instructed_on date,
    voucher text,
    confirmed_on date,
    bank_reference text,
    returned bigint not null check (returned >= 0),
    events bigint[] not null,
    primary key (project, payment)
);
create index on payment (fund);
