-- funds_of_project: the fund that opened the project or, before it is opened, the funds whose plans have it.
with opened as (
    select fact ->> 'fund' as fund from event where stream = 'project/' || %(project)s and version = 1
)
select fund from opened
union
select fund from project where project = %(project)s and not exists (select from opened)
