-- draft_totals: the total row of a plan that is only drafted, with its title, as plan_totals has them.
select
    e.fact ->> 'title' as title,
    e.fact ->> 'total' as planned,
    yuan(0) as allotted,
    yuan(0) as awarded,
    yuan(0) as paid,
    (
        select jsonb_agg(
            jsonb_build_object(
                'batch', b.batch -> 'batch', 'name', b.batch ->> 'name', 'planned', b.batch ->> 'total',
                'allotted', yuan(0), 'awarded', yuan(0), 'paid', yuan(0)
            ) order by (b.batch ->> 'batch')::integer
        )
        from jsonb_array_elements(e.fact -> 'batches') as b (batch)
    ) as batches
from event as e
where e.position = %(position)s
