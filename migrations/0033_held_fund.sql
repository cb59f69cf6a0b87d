-- A fund that is held: its event at this position cannot be folded. Folds skip that event and all later ones of the
-- fund, so that its tables stay as they were before it, while other funds are folded.

create table held_fund (
    fund text collate "C" primary key,
    position bigint not null references event,  -- of the event that cannot be folded
    projection text collate "C" not null,
    finding text collate "C" not null,
    held_at timestamptz not null default now()
);

-- How many rows a table has, and a digest of them all, whatever their order: equal tables have equal digests. The rows
-- of the fund `except_fund` are left out.
drop function table_digest;
create function table_digest(of regclass, except_fund text default null)
returns table (row_count bigint, digest numeric) language plpgsql stable as $$
begin
    return query execute format(
        'select count(*), coalesce(sum(hash_record_extended(row(t.*), 0)), 0) from %s as t '
        'where t.fund is distinct from %L',
        of, except_fund
    );
end
$$;

-- The rows in which two tables of one form differ, by their primary key: a row that one of them lacks is null there.
-- At most `max_rows` of them, each with the number of all. The rows of the fund `except_fund` are left out.
drop function table_differences;
create function table_differences(live regclass, rebuilt regclass, max_rows integer, except_fund text default null)
returns table (live_row jsonb, new_row jsonb, differing bigint) language plpgsql stable as $$
declare
    keys text;
begin
    select string_agg(format('%I', a.attname), ', ' order by k.ordinal) into keys
    from pg_index as i
    cross join unnest(i.indkey) with ordinality as k (attnum, ordinal)
    join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where i.indrelid = live and i.indisprimary;
    return query execute format(
        'select to_jsonb(l), to_jsonb(n), count(*) over () from %s as l full join %s as n using (%s) '
        'where l::text is distinct from n::text and coalesce(l.fund, n.fund) is distinct from %5$L '
        'order by %3$s limit %4$s',
        live, rebuilt, keys, max_rows, except_fund
    );
end
$$;
