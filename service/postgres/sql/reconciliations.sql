-- reconciliations: a fund's statements that were accepted by a position, the latest first. Of several for the same file
-- and days, only the last is in force. One is outdated since the first reversal that left less of an entry than it
-- lists.
with known as (
    select
        r.*,
        case when events[2] <= %(position)s then 'reversed' else 'accepted' end as stands
    from reconciliation as r
    where
        fund = %(fund)s
        and events[1] <= %(position)s
        and (%(file_sha256)s::text is null or file_sha256 = %(file_sha256)s)
), listed as (
    select
        k.version as acceptance,
        l.entry ->> 'stream' as stream,
        (l.entry ->> 'version')::bigint as version,
        fen(l.entry ->> 'amount') as amount
    from known as k
    join event as e on e.position = k.events[1]
    cross join lateral (
        select jsonb_path_query(e.fact, '$.matches[*].entries[*]')
        union all
        select jsonb_path_query(e.fact, '$.exceptions[*].entries[*]')
    ) as l (entry)
), undone as materialized (
    select
        e.stream,
        (e.fact ->> 'version')::bigint as version,
        e.version as reversal,
        m.position,
        m.entry,
        sum(m.amount) over (partition by e.stream, e.fact ->> 'version' order by m.position) as amount
    from movement as m
    join event as e using (position)
    where m.fund = %(fund)s and m.position <= %(position)s and m.type = 'EntryReversed'
), outdated as (
    select distinct on (l.acceptance)
        l.acceptance,
        jsonb_build_object(
            'position', u.position, 'stream', u.stream, 'version', u.reversal,
            'entry', u.entry, 'entry_version', u.version
        ) as since
    from undone as u
    join listed as l using (stream, version)
    join event as e using (stream, version)
    cross join lateral (select sum(m.amount) as amount from movement as m where m.position = e.position) as recorded
    where l.amount > recorded.amount - u.amount
    order by l.acceptance, u.position
)
select
    version,
    file_sha256,
    first_day,
    last_day,
    compared_at,
    lines,
    yuan(received) as received,
    yuan(paid_out) as paid_out,
    matches,
    exceptions,
    accepted_on,
    accepted_by,
    case
        when stands = 'accepted' and version < max(version) filter (where stands = 'accepted') over (
            partition by file_sha256, first_day, last_day
        ) then 'replaced'
        else stands
    end as status,
    events[1] as position,
    outdated.since as outdated_since
from known
left join outdated on outdated.acceptance = known.version
order by version desc
