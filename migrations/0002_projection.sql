-- How far each projection has folded the log; its rows and this cursor move in one transaction.

create table projection (
    name text primary key,
    position bigint not null default 0,
    moved_at timestamptz not null default now()
);

-- The exact amount, in fen, of money as the log writes it: "1020000.00" is 102000000.
create function fen(amount text) returns bigint language sql immutable strict parallel safe
return replace(amount, '.', '')::bigint;

-- Stops a fold that found what must never be, naming the position and the fen.
create function stop_fold(finding text) returns void language plpgsql as $$
begin
    raise exception '%', finding using errcode = 'data_exception';
end
$$;
