-- citation: which event cites which document; `plain` is its number however it was typed.
create function plain(typed text) returns text language sql immutable strict parallel safe
return lower(regexp_replace(normalize(typed, nfkc), '\s', '', 'g'));

create table citation (
    position bigint not null,
    seq integer not null,
    fund text not null,
    kind text not null,
    number text not null,
    plain text not null,
    primary key (position, seq)
);
create index on citation (plain, position);
