-- What a line of the plan says about itself, the state of each award at its checkpoints, and the notes on record.

alter table project
    add column checkpoints text[] collate "C" not null default '{}',  -- in their order; empty: only the acceptance
    add column objective text collate "C",
    add column support text collate "C",
    add column goals jsonb not null default '[]';
alter table project alter column checkpoints drop default, alter column goals drop default;

alter table award
    add column checkpoints jsonb not null default '{}';  -- by name; the last one's name is always "acceptance"
alter table award alter column checkpoints drop default;

-- note: what was put on record about a fund, a project, an application or an award. Rows are never changed: a note that
-- corrects another names its version.
create table note (
    position bigint primary key,
    fund text collate "C" not null,
    project text collate "C",  -- null: on the fund
    version bigint not null,  -- in the stream of the fund or project
    kind text collate "C" not null,
    application text collate "C",
    award text collate "C",
    text text collate "C" not null,
    noted_on date not null,
    corrects bigint
);
create index on note (fund, project, corrects) where corrects is not null;

-- The state of an award at each checkpoint that its steps reached, by the checkpoint's name. `steps` is the list of the
-- steps that were not reversed, in the order of the log, each with its `type` and its `fact`. A step that names no
-- checkpoint, or the last one, is at "acceptance".
create function checkpoints_after(steps jsonb) returns jsonb language sql immutable parallel safe as $$
    select jsonb_object_agg(checkpoint, jsonb_strip_nulls(jsonb_build_object(
        'status', case type
            when 'AcceptanceRequested' then 'requested'
            when 'AcceptancePassed' then 'passed'
            when 'AcceptanceFailed' then 'failed'
            else 'rectifying'
        end,
        'on', fact ->> 'occurred_on',
        'rectify_by', case type when 'RectificationOrdered' then rectify_by end,
        'conclusion', fact ->> 'conclusion',
        'score', fact ->> 'score',
        'settled', fact ->> 'settled',
        'actuals', fact -> 'actuals'
    )))
    from (
        select
            checkpoint,
            (array_agg(type order by nth desc) filter (where type <> 'ExtensionGranted'))[1] as type,
            (array_agg(fact order by nth desc) filter (where type <> 'ExtensionGranted'))[1] as fact,
            (array_agg(fact ->> 'due_on' order by nth desc) filter (where fact ? 'due_on'))[1] as rectify_by
        from (
            select
                step ->> 'type' as type,
                step -> 'fact' as fact,
                nth,
                case
                    when step -> 'fact' ? 'checkpoint' and not step -> 'fact' ? 'last' then step #>> '{fact,checkpoint}'
                    else 'acceptance'
                end as checkpoint
            from jsonb_array_elements(steps) with ordinality as s (step, nth)
        ) as step
        group by checkpoint
    ) as last
    where type is not null
$$;

-- Whether a step of an award is at a checkpoint, or extends the time to rectify that one ordered.
create function is_at_checkpoint(type text, fact jsonb) returns boolean language sql immutable parallel safe as $$
    select type like 'Acceptance%' or type = 'RectificationOrdered' or (type = 'ExtensionGranted' and fact ? 'due_on')
$$;

-- All checkpoints of a line, in their order, each with the state of an award there. `names` is empty if the line has
-- only the acceptance. `states` is the result of `checkpoints_after`.
create function checkpoints_listed(names text[], states jsonb) returns jsonb language sql immutable parallel safe as $$
    select jsonb_agg(
        jsonb_build_object(
            'checkpoint', name, 'status', coalesce(state ->> 'status', 'none'), 'on', state -> 'on',
            'rectify_by', state -> 'rectify_by', 'conclusion', state -> 'conclusion', 'score', state -> 'score',
            'settled', state -> 'settled', 'actuals', coalesce(state -> 'actuals', '[]')
        ) order by rank
    )
    from (
        select name, rank, states -> case when rank < cardinality(names) then name else 'acceptance' end as state
        from unnest(case when names = '{}' then array['acceptance'] else names end)
            with ordinality as of_line (name, rank)
    ) as named
$$;
