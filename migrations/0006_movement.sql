-- How many fen a set has.
create function size(fen int8multirange) returns bigint language sql immutable strict parallel safe
return (select coalesce(sum(upper(r) - lower(r)), 0)::bigint from unnest(fen) as r);

create domain account as text check (
    value in (
        'treasury', 'pool', 'surrendered', 'recovered', 'line', 'committed', 'payable', 'in_approval', 'in_transit', 'paid'
    )
);

-- movement: every move of money, exactly as its event says. All other figures of money come from here.
create table movement (
    position bigint not null,
    seq integer not null,
    fund text not null,
    type text not null,
    booked_on date not null,
    source account not null,
    target account not null,
    project text,
    batch integer,
    award text,
    payment text,
    fen int8multirange not null,
    amount bigint not null check (amount > 0 and amount = size(fen)),
    primary key (position, seq)
);
create index on movement (fund, position);
create index on movement (project, batch, award, position);
create index on movement (fund) where project is null;
