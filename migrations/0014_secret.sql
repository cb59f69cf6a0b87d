-- The fingerprint of the secret that keys the digests in this database: with another secret every API key would be dead
-- and every account would look like a stranger's, so a service that has another one refuses to start.
create table secret (
    only_row boolean primary key default true check (only_row),
    fingerprint bytea not null
);
