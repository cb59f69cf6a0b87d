-- balance: what stands in each account now, in fen. One row per award and batch with a column per account; the money
-- of a line stands on the row whose award is '', the money of the fund itself on the row whose project is ''.
create table balance (
    fund text not null,
    project text not null,
    batch integer not null,
    award text not null,
    pool bigint not null check (pool >= 0),
    surrendered bigint not null check (surrendered >= 0),
    recovered bigint not null check (recovered >= 0),
    line bigint not null check (line >= 0),
    committed bigint not null check (committed >= 0),
    payable bigint not null check (payable >= 0),
    in_approval bigint not null check (in_approval >= 0),
    in_transit bigint not null check (in_transit >= 0),
    paid bigint not null check (paid >= 0),
    primary key (fund, project, batch, award)
);
