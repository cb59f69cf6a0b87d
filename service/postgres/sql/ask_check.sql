-- ask_check: ask for a check; where one waits already, that one is answered.
insert into check_run (asked_by) values (%(by)s)
on conflict ((true)) where started_at is null do update set asked_by = check_run.asked_by
returning id
