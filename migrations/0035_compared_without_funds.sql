-- Two tables can be compared without the rows of several funds: a rebuild leaves out all held funds, and not only one.

-- How many rows a table has, and a digest of them all, whatever their order: equal tables have equal digests. The rows
-- of the funds `except_funds` are left out.
drop function table_digest;
create function table_digest(of regclass, except_funds text[] default '{}')
returns table (row_count bigint, digest numeric) language plpgsql stable as $$
begin
    return query execute format(
        'select count(*), coalesce(sum(hash_record_extended(row(t.*), 0)), 0) from %s as t '
        'where (t.fund = any (%L::text[])) is not true',
        of, except_funds
    );
end
$$;

-- The rows in which two tables of one form differ, by their primary key: a row that one of them lacks is null there.
-- At most `max_rows` of them, each with the number of all. The rows of the funds `except_funds` are left out.
drop function table_differences;
create function table_differences(live regclass, rebuilt regclass, max_rows integer, except_funds text[] default '{}')
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
        'where l::text is distinct from n::text and (coalesce(l.fund, n.fund) = any (%5$L::text[])) is not true '
        'order by %3$s limit %4$s',
        live, rebuilt, keys, max_rows, except_funds
    );
end
$$;
