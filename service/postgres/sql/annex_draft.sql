-- annex_draft: a plan that is only drafted, as annex_plan has one that is in force.
select
    e.fact ->> 'title' as title,
    e.fact -> 'tasks' as tasks,
    e.fact -> 'batches' as batches,
    e.fact -> 'lines' as lines,
    e.fact -> 'annex' as annex,
    (
        select jsonb_agg(
            jsonb_build_object(
                'project', l.line ->> 'project', 'batch', b.batch -> 'batch', 'fen', fen(b.batch ->> 'amount')
            )
        )
        from jsonb_array_elements(e.fact -> 'lines') as l (line)
        cross join jsonb_array_elements(l.line -> 'batches') as b (batch)
    ) as amounts
from event as e
where e.position = %(position)s
