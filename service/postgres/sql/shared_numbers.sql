-- shared_numbers: document numbers that an event of the fund and another event have used, up to a position: by another
-- sender, or by the same one for a document of another issuer or day, of which only the last use before is returned:
-- the stream and position of both events, at most 1000.
with used as (
    select
        c.kind,
        c.number,
        c.source,
        c.stream,
        e.position,
        e.fact ->> 'fund' as fund,
        lag(e.position) over (partition by c.kind, c.number, c.source order by e.position) as before
    from claim as c
    join event as e using (stream, version)
    where (c.kind, c.number) in (select kind, number from claim where shared) and e.position <= %(position)s
)
select distinct
    own.kind,
    own.number,
    own.stream,
    own.position,
    other.stream as other_stream,
    other.position as other_position
from used as own
join used as other on other.kind = own.kind and other.number = own.number
where
    own.fund = %(fund)s
    and case
        when other.source <> own.source then other.fund <> %(fund)s or own.position > other.position
        else other.position = own.before or other.before = own.position and other.fund <> %(fund)s
    end
    and other.position <> own.position
order by own.position desc
limit 1000
