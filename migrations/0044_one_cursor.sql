-- Projections that move together share one cursor. Each fold updated a row for every projection; while a long snapshot
-- was open, as that of a check, all these dead rows were read again by every reader.

-- projection_cursor: how far the tables of the projections that are folded together have got.
create table projection_cursor (
    id bigint primary key generated always as identity,
    position bigint not null,
    moved_at timestamptz not null default now()
);
insert into projection_cursor (position, moved_at) select position, max(moved_at) from projection group by position;

alter table projection add column cursor bigint references projection_cursor;
update projection as p set cursor = c.id from projection_cursor as c where c.position = p.position;
alter table projection alter column cursor set not null, drop column position, drop column moved_at;

-- projected: each projection, with the version of its SQL and the position that its table has reached.
create view projected as
select p.name, p.version, c.position, c.moved_at
from projection as p
join projection_cursor as c on c.id = p.cursor;
