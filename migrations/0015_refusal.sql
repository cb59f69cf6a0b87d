-- refusal: posts of known senders that were understood and did not count. No part of the log; the same one again is
-- counted, not kept twice.
create table refusal (
    id bigint generated always as identity primary key,
    first_at timestamptz not null default now(),
    last_at timestamptz not null default now(),
    times integer not null default 1,
    key text not null,
    source text not null,
    post_id text not null,
    digest bytea not null,
    type text not null,
    stream text not null,
    fund text,
    actor text not null,
    occurred_on date not null,
    problem text not null,
    rule text,
    title text not null,
    title_zh text not null,
    facts jsonb not null
);
create unique index on refusal (key, source, post_id, digest, problem, md5(facts::text));
create index on refusal (source, post_id);
create index on refusal (fund, id);
create index on refusal (key, id);
