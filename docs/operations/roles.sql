-- The ledger's database and its two roles. suyuan_owner migrates and makes keys. suyuan (web, projector) reads and
-- writes the tables but owns none, so it can neither change them nor switch off the triggers that keep the log
-- append-only. Run once on an empty server by the superuser; psql reads the passwords from the files that hold them.
\set owner_password `sed -n 's/^password=//p' /run/secrets/suyuan_owner`
\set password `sed -n 's/^password=//p' /run/secrets/suyuan`
create role suyuan_owner login password :'owner_password';
create role suyuan login password :'password';
create database suyuan owner suyuan_owner;
revoke all on database suyuan from public;
grant connect, temporary on database suyuan to suyuan;  -- for checks, and while a fund is held
\connect suyuan
alter default privileges for role suyuan_owner in schema public grant select, insert, update, delete on tables to suyuan;
