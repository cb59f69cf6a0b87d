-- Rebuilding and checking: what each projection was folded by, how a table is compared with another that should be the
-- same, and what is needed for one to take the other's place.

alter table projection add column version text;  -- of its SQL; null: folded before this was kept

-- The rows of `balance`, now or as they stood: after a position, or at the end of a booking date. Its columns are named
-- here, so that no function depends on the table, and a rebuilt one may take its place.
drop function balance_at;
create function balance_at(at_position bigint, at_booked_on date) returns table (
    fund text, project text, batch integer, award text, pool bigint, surrendered bigint, recovered bigint,
    line bigint, committed bigint, payable bigint, in_approval bigint, in_transit bigint, paid bigint
) language sql stable as $$
    select * from balance where at_position is null and at_booked_on is null
    union all
    select
        fund,
        case when account in ('pool', 'surrendered') then '' else project end,
        case when account in ('pool', 'surrendered') then 0 else batch end,
        case when account in ('pool', 'surrendered', 'line') then '' else award end,
        coalesce(sum(change) filter (where account = 'pool'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'surrendered'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'recovered'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'line'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'committed'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'payable'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'in_approval'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'in_transit'), 0)::bigint,
        coalesce(sum(change) filter (where account = 'paid'), 0)::bigint
    from movement
    cross join lateral (values (source, -amount), (target, amount)) as leg (account, change)
    where
        (at_position is not null or at_booked_on is not null)
        and account <> 'treasury'
        and position <= coalesce(at_position, position)
        and booked_on <= coalesce(at_booked_on, booked_on)
    group by 1, 2, 3, 4
$$;

-- How many rows a table has, and a digest of them all, whatever their order: equal tables have equal digests.
create function table_digest(of regclass) returns table (row_count bigint, digest numeric)
language plpgsql stable as $$
begin
    return query execute format(
        'select count(*), coalesce(sum(hash_record_extended(row(t.*), 0)), 0) from %s as t', of
    );
end
$$;

-- The rows in which two tables of one form differ, by their primary key: a row that one of them lacks is null there.
-- At most `most` of them, each with the number of all.
create function table_differences(live regclass, anew regclass, most integer)
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
        'where l::text is distinct from n::text order by %3$s limit %s',
        live, anew, keys, most
    );
end
$$;

-- Give on one table the rights that others than its owner have on another.
create function same_rights(of regclass, as_on regclass) returns void language plpgsql as $$
declare
    granted record;
begin
    for granted in
        select a.grantee, a.privilege_type
        from pg_class as c
        cross join aclexplode(c.relacl) as a
        where c.oid = as_on and a.grantee <> c.relowner
    loop
        execute format(
            'grant %s on %s to %s', granted.privilege_type, of,
            case granted.grantee when 0 then 'public' else granted.grantee::regrole::text end
        );
    end loop;
end
$$;

-- Make an empty table like a live one in another schema, with its constraints under their names. Its other indexes are
-- left out, since folding does not need them: the statements that add them are answered.
create function make_like(live regclass, in_schema text) returns setof text language plpgsql as $$
declare
    name text := (select relname from pg_class where oid = live);
    part record;
begin
    execute format('create table %I.%I (like %s including all excluding indexes)', in_schema, name, live);
    for part in
        select conname, pg_get_constraintdef(oid) as definition
        from pg_constraint
        where conrelid = live and contype in ('p', 'u', 'x')
    loop
        execute format('alter table %I.%I add constraint %I %s', in_schema, name, part.conname, part.definition);
    end loop;
    return query
    select format(
        'create index %I on %I.%I using %s', c.relname, in_schema, name,
        substring(pg_get_indexdef(i.indexrelid) from ' USING (.*)$')
    )
    from pg_index as i
    join pg_class as c on c.oid = i.indexrelid
    where i.indrelid = live and not exists (select from pg_constraint as k where k.conindid = i.indexrelid);
end
$$;
