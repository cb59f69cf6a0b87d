-- The ledger's database, its roles, and a login for each process. Run it on the server by the superuser: on an empty
-- one, or again on one that has a part of this, such as the two roles of version 0.2.0; then run `suyuan migrate`.
-- psql reads the password of each login from the file that holds it. What each role may do is not said here:
-- `suyuan migrate` grants it (migrations/privileges.sql).
-- suyuan_owner migrates, owns the tables, rebuilds and imports calendars. The other logins own nothing, so they can
-- neither change a table nor switch off the triggers that keep the log append-only.
\set owner `sed -n 's/^password=//p' /run/secrets/suyuan_owner`
\set web `sed -n 's/^password=//p' /run/secrets/suyuan_web`
\set projector `sed -n 's/^password=//p' /run/secrets/suyuan_projector`
\set checker `sed -n 's/^password=//p' /run/secrets/suyuan_checker`
\set keys `sed -n 's/^password=//p' /run/secrets/suyuan_keys`

-- Roles without a login. A login is a member of one: a second login allows a password to be replaced without a stop.
select format('create role %I', name)
from unnest(array['suyuan_web', 'suyuan_projector', 'suyuan_checker', 'suyuan_keys']) as wanted (name)
where to_regrole(name) is null \gexec

select format('create role %I login password %L', name, password)
from (values
    ('suyuan_owner', :'owner'), ('suyuan_web_login', :'web'), ('suyuan_projector_login', :'projector'),
    ('suyuan_checker_login', :'checker'), ('suyuan_keys_login', :'keys')
) as wanted (name, password)
where to_regrole(name) is null \gexec

grant suyuan_web to suyuan_web_login;
grant suyuan_projector to suyuan_projector_login;
grant suyuan_checker to suyuan_checker_login;
grant suyuan_keys to suyuan_keys_login;

select 'create database suyuan owner suyuan_owner'
where not exists (select from pg_database where datname = 'suyuan') \gexec
revoke all on database suyuan from public;
-- temporary: for checks, and for the projector while a fund is held
grant connect on database suyuan to suyuan_web_login, suyuan_keys_login;
grant connect, temporary on database suyuan to suyuan_projector_login, suyuan_checker_login;
