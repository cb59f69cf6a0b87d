-- recipient_rename: each change of a recipient's name or identity, and whether it was reversed.
with touch as (
    select stream, version, position, fact
    from event
    where position > %(after)s and position <= %(upto)s and type = 'RecipientRenamed'
    union all
    select stream, (fact ->> 'version')::bigint, position, null
    from event
    where
        position > %(after)s
        and position <= %(upto)s
        and type = 'EntryReversed'
        and fact ->> 'entry' = 'RecipientRenamed'
), change as (
    select
        substr(stream, length('project/') + 1) as project,
        version,
        (array_agg(fact) filter (where fact is not null))[1] as renamed,
        bool_or(fact is null) as reversed,
        array_agg(position order by position) as positions
    from touch
    group by stream, version
)
insert into recipient_rename (
    project, version, fund, application, old_name, old_identity, new_name, new_identity, renamed_on, status, events
)
select
    project,
    version,
    coalesce(c.renamed ->> 'fund', r.fund),
    coalesce(c.renamed ->> 'application', r.application),
    coalesce(c.renamed #>> '{old,name}', r.old_name),
    coalesce(identity_of(c.renamed -> 'old'), r.old_identity),
    coalesce(c.renamed #>> '{new,name}', r.new_name),
    coalesce(identity_of(c.renamed -> 'new'), r.new_identity),
    coalesce((c.renamed ->> 'occurred_on')::date, r.renamed_on),
    case when c.reversed then 'reversed' else 'recorded' end,
    coalesce(r.events, '{}') || c.positions
from change as c
left join recipient_rename as r using (project, version)
on conflict (project, version) do update set
    status = excluded.status,
    events = excluded.events
