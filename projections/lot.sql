-- lot: the fen held by each fund, each project's batch and each award's batch, and those that each fund has
-- surrendered; checks that no move takes fen from where they have never been. Two lots of the same depth that share a
-- fen violate the table's constraints.
with place (account, depths) as (
    values
        ('treasury', '{}'::text[]), ('pool', '{issued}'), ('surrendered', '{surrendered}'), ('recovered', '{issued}'),
        ('interest', '{issued}'), ('interest_surrendered', '{surrendered}'),
        ('line', '{issued,allotted}'), ('committed', '{issued,allotted,awarded}'),
        ('payable', '{issued,allotted,awarded}'), ('in_approval', '{issued,allotted,awarded}'),
        ('in_transit', '{issued,allotted,awarded}'), ('paid', '{issued,allotted,awarded}')
), level (name, of_batch, of_award) as (
    values ('surrendered', false, false), ('issued', false, false), ('allotted', true, false), ('awarded', true, true)
), moved as (
    select m.*, s.depths as source_depths, t.depths as target_depths
    from movement as m
    join place as s on s.account = m.source
    join place as t on t.account = m.target
    where m.position > %(after)s and m.position <= %(upto)s
), step as (
    -- A move enters the lots of its target that its source has not, and leaves those of its source that its target has
    -- not.
    select
        level.name as depth,
        m.fund,
        case when level.of_batch then m.project else '' end as project,
        case when level.of_batch then m.batch else 0 end as batch,
        case when level.of_award then m.award else '' end as award,
        m.position,
        m.seq,
        level.name = any(m.target_depths) as entering,
        m.fen
    from moved as m
    join level on (level.name = any(m.source_depths)) <> (level.name = any(m.target_depths))
), touched as (
    select l.*
    from lot as l
    join (select distinct depth, fund, project, batch, award from step) as s using (depth, fund, project, batch, award)
), folded as (
    select
        depth,
        fund,
        project,
        batch,
        award,
        lot_after(entering, fen order by position, seq) as fen,
        range_agg(ever) as ever
    from (
        select *, case when entering then fen end as ever from step
        union all
        select depth, fund, project, batch, award, 0, 0, true, fen, ever from touched
    ) as entry
    group by depth, fund, project, batch, award
), origin as (
    select
        level.name as depth,
        m.fund,
        case when level.of_batch then m.project else '' end as project,
        case when level.of_batch then m.batch else 0 end as batch,
        case when level.of_award then m.award else '' end as award,
        m.position,
        m.source,
        m.fen
    from moved as m
    join level on level.name = m.source_depths[cardinality(m.source_depths)]
), known as (
    -- For each move, what the lot of its source has ever held, including this span. By a window function: the planner
    -- underestimates the number of moves, so a join would compare every pair.
    select
        *,
        first_value(ever) over (
            partition by depth, fund, project, batch, award order by position nulls first
        ) as folded_ever
    from (
        select depth, fund, project, batch, award, position, source, fen, null::int8multirange as ever from origin
        union all
        select depth, fund, project, batch, award, null, null, null, ever from folded
    ) as each
), stray as (
    select k.position, k.fen, k.source
    from known as k
    left join lot as l using (depth, fund, project, batch, award)
    where k.position is not null and not coalesce(k.folded_ever, l.ever, '{}') @> k.fen
    order by k.position
    limit 1
), stopped as (
    select stop_fold(format('position %%s moves fen %%s out of %%s, where they never stood', position, fen, source))
    from stray
)
insert into lot (depth, fund, project, batch, award, fen, ever)
select depth, fund, project, batch, award, fen, ever
from folded
where not exists (select from stopped)
on conflict (depth, fund, project, batch, award) do update set fen = excluded.fen, ever = excluded.ever
