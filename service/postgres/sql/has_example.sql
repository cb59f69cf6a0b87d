-- has_example: whether the example may be posted: the log is empty, or the example was posted to it before.
select not exists (select from event) or exists (select from post where source = %(source)s) as ours
