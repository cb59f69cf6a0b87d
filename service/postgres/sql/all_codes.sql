-- all_codes: the streams of all funds and projects (`fund/…`, `project/…`), and of the projects that a plan names.
select stream from event where version = 1
union
select 'project/' || project from plan
