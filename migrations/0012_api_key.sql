-- api_key: who may post or read. The key itself is never stored, only its keyed hash; a revoked one stays listed.
create table api_key (
    name text primary key,
    digest bytea not null unique,
    scopes text[] not null,
    created_at timestamptz not null default now(),
    revoked_at timestamptz
);
