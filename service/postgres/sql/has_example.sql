-- has_example: whether the log is the example's to write: empty, or begun by it.
select not exists (select from event) or exists (select from post where source = %(source)s) as ours
