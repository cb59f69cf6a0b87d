-- note: each note put on record.
insert into note (position, fund, project, version, kind, application, award, text, noted_on, corrects)
select
    position,
    fact ->> 'fund',
    case when stream like 'project/%%' then substr(stream, length('project/') + 1) end,
    version,
    fact ->> 'kind',
    fact ->> 'application',
    fact ->> 'award',
    fact ->> 'text',
    (fact ->> 'occurred_on')::date,
    (fact ->> 'corrects')::bigint
from event
where position > %(after)s and position <= %(upto)s and type = 'NoteRecorded'
