-- ask_check: ask for a check; where one waits already, that one is answered.
with asked as (
    insert into check_run (asked_by) values (%(by)s)
    on conflict ((true)) where started_at is null do nothing
    returning id
)
select id from asked
union all
select id from check_run where started_at is null
limit 1
