-- longest: the streams with the most events, longest first. Each step of the recursion is one look-up in the index.
with recursive last as (
    (select stream, version from event order by stream desc, version desc limit 1)
    union all
    select next.stream, next.version
    from last
    cross join lateral (
        select stream, version from event where stream < last.stream order by stream desc, version desc limit 1
    ) as next
)
select stream from last where version > %(longer_than)s order by version desc limit %(max_rows)s
