-- import_calendar: add a calendar. Without `imported_at` and `position` it is in force from the next event on; this
-- needs the append lock.
insert into calendar_import (
    imported_at, year, days_off, working_weekends, documents, content, file_sha256, actor, position, replaces
)
values (
    coalesce(
        %(imported_at)s,
        greatest(clock_timestamp(), (select max(imported_at) from calendar_import) + interval '1 microsecond')
    ),
    %(year)s, %(days_off)s, %(working_weekends)s, %(documents)s, %(content)s,
    sha256(convert_to(%(content)s, 'UTF8')), %(actor)s,
    coalesce(%(position)s, (select max(position) from event), 0),
    %(replaces)s
)
