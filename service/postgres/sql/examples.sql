-- examples: whether the log is empty, and how many posts are recorded of each of these sources that has any.
select
    not exists (select from event) as empty,
    coalesce(
        (
            select jsonb_object_agg(s.source, s.posts)
            from (select source, count(*) as posts from post where source = any(%(sources)s) group by source) as s
        ),
        '{}'
    ) as posts
