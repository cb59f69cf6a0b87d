-- schedule_check: request a check if none was requested in the last `hours` hours.
insert into check_run (asked_by)
select 'schedule'
where not exists (select from check_run where asked_at > now() - make_interval(hours => %(hours)s))
on conflict ((true)) where started_at is null do nothing
