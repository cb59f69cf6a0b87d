-- schedule_check: ask for a check if the last one was asked for so many hours ago or more.
insert into check_run (asked_by)
select 'schedule'
where not exists (select from check_run where asked_at > now() - make_interval(hours => %(hours)s))
on conflict ((true)) where started_at is null do nothing
