-- Projections that move together share one cursor. Each fold updated a row for every projection; while a long snapshot
-- was open, as that of a check, all these dead rows were read again by every reader.

-- fold: how far the tables of the projections that are folded together have got.
create table fold (
    id bigint primary key generated always as identity,
    position bigint not null,
    moved_at timestamptz not null default now()
);
insert into fold (position, moved_at) select position, max(moved_at) from projection group by position;

alter table projection add column fold bigint;
update projection set fold = fold.id from fold where fold.position = projection.position;
alter table projection alter column fold set not null, drop column position, drop column moved_at;

-- projected: each projection, with the version of its SQL and the position that its table has reached.
create view projected as
select p.name, p.version, f.position, f.moved_at
from projection as p
join fold as f on f.id = p.fold;
