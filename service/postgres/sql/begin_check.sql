-- begin_check: mark the oldest unfinished check as started and return it. It may have been started before, by a process
-- that died.
update check_run set started_at = now()
where id = (select min(id) from check_run where finished_at is null)
returning id
