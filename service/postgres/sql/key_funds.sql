-- key_funds: the funds of each project that a key is limited to: the one that opened it, and those whose plans have it.
with named as (
    select distinct unnest(projects) as project from api_key
), owned as (
    select n.project, e.fact ->> 'fund' as fund
    from named as n
    join event as e on e.stream = 'project/' || n.project and e.version = 1
    union
    select p.project, p.fund from plan as p where p.project in (select project from named)
)
select project, array_agg(fund) as funds
from owned
group by project
