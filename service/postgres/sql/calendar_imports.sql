-- calendar_imports: all imported calendars, in the order in which they came into force.
select
    imported_at, year, days_off, working_weekends, documents, content, encode(file_sha256, 'hex') as sha256, actor,
    position, replaces
from calendar_import
order by imported_at
