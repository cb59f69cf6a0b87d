-- known_codes: which of these streams (`fund/…`, `project/…`) exist or are projects that a plan names.
select stream from event where stream = any(%(streams)s) and version = 1
union
select 'project/' || project from plan where 'project/' || project = any(%(streams)s)
