-- refusal_total: what is kept of each key's refusals, so that a limit needs no count. Triggers keep it.
alter table refusal
add column not_kept text[] not null default '{}',
add column bytes integer not null generated always as (
    octet_length(facts::text) + octet_length(title) + octet_length(title_zh) + octet_length(source)
    + octet_length(post_id) + octet_length(stream) + octet_length(actor) + 256
) stored;

-- All refusals of a key that were first refused after `kept_since` are there; null while none was dropped.
create table refusal_total (
    key text collate "C" primary key,
    kept bigint not null check (kept >= 0),
    bytes bigint not null check (bytes >= 0),
    dropped bigint not null default 0 check (dropped >= 0),
    kept_since timestamptz,
    check ((dropped = 0) = (kept_since is null))
);
insert into refusal_total (key, kept, bytes) select key, count(*), sum(bytes) from refusal group by key;

-- It becomes SECURITY DEFINER by privileges.sql: nobody but the owner writes to refusal_total. Locked in one order,
-- against deadlocks.
create function count_refusals() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into refusal_total as t (key, kept, bytes)
        select key, count(*), sum(bytes) from written group by key order by key
        on conflict (key) do update set kept = t.kept + excluded.kept, bytes = t.bytes + excluded.bytes;
    elsif exists (select from written) then
        perform from refusal_total where key in (select key from written) order by key for update;
        update refusal_total as t
        set kept = t.kept - w.kept, bytes = t.bytes - w.bytes, dropped = t.dropped + w.kept,
            kept_since = greatest(t.kept_since, w.until)
        from (
            select key, count(*) as kept, sum(bytes) as bytes, max(first_at) as until from written group by key
        ) as w
        where t.key = w.key;
    end if;
    return null;
end
$$;
create trigger count_inserted after insert on refusal
referencing new table as written for each statement execute function count_refusals();
create trigger count_deleted after delete on refusal
referencing old table as written for each statement execute function count_refusals();
