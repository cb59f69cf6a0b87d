-- What each role may do, as two tables; and, as rows, the statements that make the database so. `migrate` runs them
-- after the migrations, so no migration grants anything or can lose a grant: a new table or function is closed to all
-- roles until it has its row here. The owner of the log owns all of them and needs no row.
-- A role that does not exist is left out, and so are all roles that are not named here, such as an auditor's own.

with may (role, as_process) as (values
    ('suyuan_web', 'web'), ('suyuan_projector', 'projector'), ('suyuan_checker', 'checker'), ('suyuan_keys', 'keys'),
    -- the one role of all services until 0.2.0
    ('suyuan', 'web'), ('suyuan', 'projector'), ('suyuan', 'checker')
),

-- `insert(a,b)` is a privilege on these columns only. A projection whose rows are never changed has no update, and one
-- that no fold reads has no select.
on_table (relation, web, projector, checker, keys) as (values
    ('access_change', 'select', '', '', 'select insert(key,action,by,detail)'),
    (
        'api_key', 'select', '', '',
        'select insert(name,scopes,funds,projects,sources,person) update(revoked_at,sources,person)'
    ),
    ('api_secret', 'select update(last_used_at)', '', '', 'select insert(digest,name,expires_at) update(expires_at)'),
    ('application', 'select', 'select insert update', 'select', ''),
    ('appropriation', 'select', 'select insert update', 'select', ''),
    ('award', 'select', 'select insert update', 'select', ''),
    ('balance', 'select', 'select insert update', 'select', ''),
    ('batch_change', 'select', 'select insert update', 'select', ''),
    ('calendar_import', 'select', '', 'select', ''),
    (
        'check_run', 'select', '',
        'select insert(asked_by) update(started_at,finished_at,errors,report)', ''
    ),
    ('citation', 'select', 'insert', 'select', ''),
    ('claim', 'select', '', 'select', ''),
    ('event', 'select', 'select', 'select', 'select'),
    ('finding', 'select', 'select insert update', 'select', ''),
    ('fund', 'select', 'select insert update', 'select', ''),
    (
        'held_fund', 'select',
        'select insert(fund,position,projection,finding) update(position,projection,finding,held_at)', 'select', ''
    ),
    ('hold', 'select', 'select insert update', 'select', ''),
    ('ledger_events', 'select', '', '', ''),
    ('lot', 'select', 'select insert update', 'select', ''),
    ('migration', 'select', 'select', 'select', 'select'),
    ('movement', 'select', 'select insert', 'select', ''),
    ('note', 'select', 'insert', 'select', ''),
    ('objection', 'select', 'select insert update', 'select', ''),
    ('origin_change', 'select', 'select insert update', 'select', ''),
    ('payment', 'select', 'select insert update', 'select', ''),
    ('plan', 'select', 'insert', 'select', 'select'),
    ('plan_source', 'select', 'insert', 'select', ''),
    ('post', 'select', '', 'select', ''),
    ('project', 'select', 'select insert update', 'select', ''),
    ('projected', 'select', '', 'select', ''),
    ('projection', 'select', 'select insert(name,version,cursor) update(version,cursor)', 'select', ''),
    ('projection_cursor', 'select', 'select insert(position) update(position,moved_at)', 'select', ''),
    ('reconciliation', 'select', 'select insert update', 'select', ''),
    ('recovery', 'select', 'select insert update', 'select', ''),
    ('recipient', 'select', 'select insert update', 'select', ''),
    ('recipient_rename', 'select', 'select insert update', 'select', ''),
    (
        'refusal',
        'select delete update(times,last_at) insert(key,source,post_id,digest,type,stream,fund,actor,occurred_on,problem,'
        'rule,title,title_zh,facts,not_kept)', 'select delete update(last_at)', '', ''
    ),
    ('refusal_total', 'select', '', '', ''),
    ('round', 'select', 'select insert update', 'select', ''),
    ('secret', 'select', 'select', 'select', 'select'),
    ('serial', 'select', '', 'select', ''),
    ('snapshot', 'select', '', 'select', ''),
    ('spending', 'select', 'select insert update', 'select', ''),
    ('waiver', 'select', 'select insert update', 'select', '')
),

-- `definer`: the function runs with the owner's rights (SECURITY DEFINER), so it has a fixed search path, and only the
-- process that is named may call it. The others run with the rights of the role that calls them.
on_function (routine, definer, callers) as (values
    ('append_events', true, 'web'),
    ('applications_of', false, 'everybody'),
    ('appropriation_source_at', false, 'everybody'),
    ('ask_check', true, 'web'),
    ('award_balance_at', false, 'everybody'),
    ('award_counted_at', false, 'everybody'),
    ('awards_named', false, 'everybody'),
    ('awards_of', false, 'everybody'),
    ('balance_at', false, 'everybody'),
    ('batch_balance_at', false, 'everybody'),
    ('checkpoints_after', false, 'everybody'),
    ('checkpoints_listed', false, 'everybody'),
    ('claims_are_same', false, 'everybody'),
    ('cloudevent', false, 'everybody'),
    ('count_refusals', true, 'nobody'),
    ('delete_snapshot', true, 'web'),
    ('document_number', false, 'everybody'),
    ('fen', false, 'everybody'),
    ('figures', false, 'everybody'),
    ('fold_case', false, 'everybody'),
    ('identity_code', false, 'everybody'),
    ('identity_last4', false, 'everybody'),
    ('identity_of', false, 'everybody'),
    ('is_at_checkpoint', false, 'everybody'),
    ('last_step', false, 'everybody'),
    ('listed_in', false, 'everybody'),
    ('lock_appends', false, 'web'),
    ('lot_after', false, 'everybody'),
    ('lot_step', false, 'everybody'),
    ('make_like', false, 'checker'),
    ('number_of', false, 'everybody'),
    ('of_fund', false, 'everybody'),
    ('origin_balance_at', false, 'everybody'),
    ('origin_figures', false, 'everybody'),
    ('payments_named', false, 'everybody'),
    ('payments_of', false, 'everybody'),
    ('plain', false, 'everybody'),
    ('plan_at', false, 'everybody'),
    ('plan_batches_at', false, 'everybody'),
    ('plan_source_at', false, 'everybody'),
    ('random_nonce', false, 'nobody'),
    ('refuse_change', false, 'nobody'),
    ('same_rights', false, 'nobody'),
    ('save_snapshot', true, 'web'),
    ('shown_at', false, 'everybody'),
    ('size', false, 'everybody'),
    ('spend_by', false, 'everybody'),
    ('standing_at', false, 'everybody'),
    ('stop_fold', false, 'everybody'),
    ('table_differences', false, 'checker'),
    ('table_digest', false, 'checker'),
    ('whole_plan_at', false, 'everybody'),
    ('yuan', false, 'everybody')
),

-- The tables and functions of the ledger: not those of an extension, nor of a role that has put its own beside them.
ours as (
    select relowner as owner from pg_class where oid = to_regclass('public.event')
    union
    select current_user::regrole
),

relation as (
    select c.oid, c.relname, c.relacl, format('table public.%I', c.relname) as name
    from pg_class as c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
        and c.relowner in (select owner from ours)
        and not exists (select from pg_depend where objid = c.oid and deptype = 'e')
),

routine as (
    select
        p.proname, coalesce(p.proacl, acldefault('f', p.proowner)) as proacl, p.prosecdef, p.proconfig,
        format('routine public.%I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) as name
    from pg_proc as p
    where p.pronamespace = 'public'::regnamespace
        and p.proowner in (select owner from ours)
        and not exists (select from pg_depend where objid = p.oid and deptype = 'e')
),

wanted (object, role, privilege, column_name) as (
    select distinct r.name, m.role, one[1], column_name
    from on_table as t
    join relation as r on r.relname = t.relation
    cross join lateral (
        values ('web', t.web), ('projector', t.projector), ('checker', t.checker), ('keys', t.keys)
    ) as cell (as_process, privileges)
    join may as m using (as_process)
    cross join lateral regexp_matches(cell.privileges, '(\w+)(?:\(([\w,]+)\))?', 'g') as one
    cross join lateral unnest(coalesce(string_to_array(one[2], ','), array[null::text])) as column_name
    where to_regrole(m.role) is not null and (
        column_name is null  -- an earlier migration may be the last one yet, without this column
        or exists (select from pg_attribute as a where a.attrelid = r.oid and a.attname = column_name)
    )
    union
    select r.name, m.role, 'execute', null
    from on_function as f
    join routine as r on r.proname = f.routine
    join may as m on m.as_process = f.callers
    where to_regrole(m.role) is not null
    union
    select r.name, 'public', 'execute', null
    from on_function as f
    join routine as r on r.proname = f.routine
    where f.callers = 'everybody'
),

granted (object, role, privilege, column_name) as (
    select each.object, coalesce(grantee.rolname::text, 'public'), lower(acl.privilege_type), each.column_name
    from (
        select name, relacl, null::text from relation
        union all
        select r.name, a.attacl, a.attname::text
        from relation as r
        join pg_attribute as a on a.attrelid = r.oid and a.attnum > 0
        union all
        select name, proacl, null from routine
        union all
        select 'schema public', nspacl, null from pg_namespace where nspname = 'public'
    ) as each (object, acl, column_name)
    cross join lateral aclexplode(each.acl) as acl
    left join pg_roles as grantee on grantee.oid = acl.grantee
    where
        acl.grantee not in (select owner from ours)
        and (acl.grantee = 0 or grantee.rolname in (select role from may) or exists (  -- a login of one of them
            select from pg_auth_members as m
            where m.member = acl.grantee and m.roleid in (select to_regrole(role) from may)
        ))
        and (each.object, lower(acl.privilege_type)) <> ('schema public', 'usage')
)

select
    1 as ordinal, format('alter %s security definer set search_path = pg_catalog, public, pg_temp', r.name) as statement
from on_function as f
join routine as r on r.proname = f.routine
where f.definer and (
    not r.prosecdef or 'search_path=pg_catalog, public, pg_temp' <> all(coalesce(r.proconfig, '{}'))
)
union all
select 2, format('revoke %s on %s from %s', privilege || coalesce(' (' || quote_ident(column_name) || ')', ''), object, role)
from (table granted except table wanted) as too_much
union all
select 3, format('grant %s on %s to %s', privilege || coalesce(' (' || quote_ident(column_name) || ')', ''), object, role)
from (table wanted except table granted) as missing
order by ordinal, statement  -- to revoke a privilege on a table also revokes it on each column
