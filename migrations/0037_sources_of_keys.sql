-- A key that may post names the sources of its events. One that named none could post under each: it keeps those that
-- it has posted under, as the log shows, and gets others by `suyuan keys allow`.
alter table access_change drop constraint access_change_action_check;
alter table access_change add check (action in ('created', 'rotated', 'revoked', 'allowed'));

with used as (
    select fact ->> 'key' as name, array_agg(distinct fact ->> 'source') as sources
    from event
    group by 1
), named as (
    update api_key as k set sources = used.sources
    from used
    where used.name = k.name and cardinality(k.sources) = 0 and not k.scopes <@ '{read,admin}'
    returning k.name, k.sources
)
insert into access_change (key, action, by, detail)
select name, 'allowed', 'suyuan migrate', jsonb_build_object('sources', sources, 'reason', '依据日志 the sources in the log')
from named
order by name;
