-- end_check: mark a check as finished, with its report. The report is null if the check could not be completed.
update check_run set finished_at = now(), errors = %(errors)s, report = %(report)s::jsonb where id = %(id)s
