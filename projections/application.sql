-- application: received, screened, and scored by the latest review.
with step as (
    select
        substr(stream, length('project/') + 1) as project,
        s.application,
        e.position,
        e.type,
        e.fact,
        s.score
    from event as e
    cross join lateral (
        select e.fact ->> 'application' as application, null as score
        where e.type in ('ApplicationReceived', 'ApplicationScreened')
        union all
        select s.score ->> 'application', s.score ->> 'score'
        from jsonb_array_elements(e.fact -> 'scores') as s (score)
        where e.type = 'ReviewConcluded'
    ) as s
    where
        e.position > %(after)s
        and e.position <= %(upto)s
        and e.type in ('ApplicationReceived', 'ApplicationScreened', 'ReviewConcluded')
), change as (
    select
        project,
        application,
        (array_agg(fact) filter (where type = 'ApplicationReceived'))[1] as received,
        (array_agg(fact ->> 'passed' order by position desc) filter (where type = 'ApplicationScreened'))[1] as passed,
        (array_agg(score order by position desc) filter (where type = 'ReviewConcluded'))[1] as score,
        array_agg(position order by position) as events
    from step
    group by project, application
)
insert into application (
    project, application, fund, round, applicant, uscc, received_on, screened, score, events
)
select
    project,
    application,
    coalesce(c.received ->> 'fund', a.fund),
    coalesce((c.received ->> 'round')::integer, a.round),
    coalesce(c.received #>> '{applicant,name}', a.applicant),
    coalesce(c.received #>> '{applicant,uscc}', a.uscc),
    coalesce((c.received ->> 'occurred_on')::date, a.received_on),
    coalesce(case c.passed when 'true' then 'passed' when 'false' then 'failed' end, a.screened, 'pending'),
    coalesce(c.score, a.score),
    coalesce(a.events, '{}') || c.events
from change as c
left join application as a using (project, application)
on conflict (project, application) do update set
    screened = excluded.screened,
    score = excluded.score,
    events = excluded.events
