-- Who may post or read: keys, their secrets, and every change of either. A key itself is never stored, only its keyed hash.

-- One row per holder. The name stands in the events that it posts, so it is never used again.
create table api_key (
    name text primary key,
    scopes text[] not null,
    funds text[] not null default '{}',  -- none named: no limit
    projects text[] not null default '{}',
    sources text[] not null default '{}',  -- the event sources it may speak for; none named: any
    created_at timestamptz not null default now(),
    revoked_at timestamptz
);

-- The secrets of a key in force: one, and while it is being rotated two.
create table api_secret (
    digest bytea primary key,
    name text not null references api_key,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    last_used_at timestamptz  -- to the minute
);
create index on api_secret (name);

-- Every grant and revocation, for ever.
create table access_change (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    key text not null,
    action text not null check (action in ('created', 'rotated', 'revoked')),
    by text not null,
    detail jsonb not null
);
create trigger append_only before update or delete or truncate on access_change
for each statement execute function refuse_change();
