-- begin_check: the oldest check that is not finished; it may have been begun by a process that died.
update check_run set started_at = now()
where id = (select min(id) from check_run where finished_at is null)
returning id
