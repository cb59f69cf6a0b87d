-- lot: which fen stand where, at three depths: issued to a fund, allotted to a project's batch, given to an award's.
-- No fen may stand in two lots of one depth, and no move may take fen from a lot that never had them.
create table lot (
    depth text not null check (depth in ('issued', 'allotted', 'awarded')),
    fund text not null,
    project text not null,
    batch integer not null,
    award text not null,
    fen int8multirange not null,  -- now
    ever int8multirange not null,  -- now or before: where a trace has to look
    primary key (depth, fund, project, batch, award),
    constraint issued_once exclude using gist (fen with &&) where (depth = 'issued')
        deferrable initially deferred,
    constraint allotted_once exclude using gist (fen with &&) where (depth = 'allotted')
        deferrable initially deferred,
    constraint awarded_once exclude using gist (fen with &&) where (depth = 'awarded')
        deferrable initially deferred
);
create index on lot using gist (ever);

create function lot_step(held int8multirange, entering boolean, fen int8multirange)
returns int8multirange language plpgsql immutable parallel safe as $$
begin
    if entering and held && fen then
        raise exception 'fen % enter a lot that has some of them already', fen using errcode = 'data_exception';
    end if;
    if not entering and not held @> fen then
        raise exception 'fen % leave a lot that has not all of them', fen using errcode = 'data_exception';
    end if;
    return case when entering then held + fen else held - fen end;
end
$$;

-- What a lot holds after fen enter (true) and leave (false) it, in the order given.
create aggregate lot_after(boolean, int8multirange) (
    sfunc = lot_step, stype = int8multirange, initcond = '{}'
);
