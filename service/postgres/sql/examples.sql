-- examples: whether the log is empty, and which of these sources have posted to it, in their order.
select
    not exists (select from event) as empty,
    array(
        select s.source
        from unnest(%(sources)s::text[]) with ordinality as s (source, nth)
        where exists (select from post as p where p.source = s.source)
        order by s.nth
    ) as sources
