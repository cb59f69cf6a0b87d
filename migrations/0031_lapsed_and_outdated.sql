-- The part of a recovery's order that was no longer paid when it was waived, because money had been returned since: it
-- is claimed no longer. Before, a waiver of all that was outstanding could leave some of it outstanding.
alter table recovery add column lapsed bigint not null default 0 check (lapsed >= 0);

-- The reversals of a fund: which entries of an accepted statement were reversed since.
create index on movement (fund, position) where type = 'EntryReversed';
