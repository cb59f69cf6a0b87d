-- end_check: what a check found; nothing, if it could not be finished.
update check_run set finished_at = now(), errors = %(errors)s, report = %(report)s::jsonb where id = %(id)s
