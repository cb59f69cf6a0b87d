-- ask_check: request a check. If a check is already waiting, return that one.
insert into check_run (asked_by) values (%(by)s)
on conflict ((true)) where started_at is null do update set asked_by = check_run.asked_by
returning id
