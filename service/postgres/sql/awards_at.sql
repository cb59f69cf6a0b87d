-- awards_at: the register of awards as of a position and booking date, in the order and with the columns of awards.sql.
-- Each award of the page is derived from the events that were in the log then, as award.sql derives it from all.
with candidate as materialized (
    select
        a.project, a.award, a.fund, a.decided_position,
        array(select each from unnest(a.events) as each where each <= coalesce(%(at_position)s, each)) as events
    from award as a
    where
        -- Not as one comparison of rows, of which the planner expects too few rows to match.
        a.decided_position >= %(position)s
        and (a.decided_position > %(position)s or a.award > %(award)s)
        and (%(fund)s::text is null or a.fund = %(fund)s)
        and (%(project)s::text is null or a.project = %(project)s)
        and exists (
            select from movement as m
            where
                m.project = a.project and m.award = a.award and m.type = 'AwardListDecided'
                and m.position <= coalesce(%(at_position)s, m.position)
                and m.booked_on <= coalesce(%(at_booked_on)s, m.booked_on)
        )
    order by a.decided_position, a.award
    -- The other filters are about what an award was then, which is only known below.
    limit case
        when coalesce(%(status)s::text, %(acceptance)s::text, %(uscc)s::text, %(payee)s::text) is null then %(limit)s::bigint
    end
), shared as materialized (
    -- Award lists and reversals are long, and shared by many awards: each is read once.
    select
        e.position,
        (e.fact ->> 'booked_on')::date as booked_on,
        (e.fact ->> 'occurred_on')::date as occurred_on,
        case e.type when 'EntryReversed' then (e.fact ->> 'version')::bigint end as undoes,
        case e.type when 'AwardListDecided' then e.fact -> 'awards' end as awards
    from (select distinct each as position from candidate cross join lateral unnest(events) as each) as p
    join event as e using (position)
    where e.type in ('AwardListDecided', 'EntryReversed')
), history as materialized (
    select
        c.project, c.award, e.position, e.version, e.type, s.undoes, s.occurred_on,
        case when s.position is null then e.fact end as fact
    from candidate as c
    cross join lateral unnest(c.events) as h (position)
    join event as e on e.position = h.position
    left join shared as s on s.position = h.position
    where coalesce(s.booked_on, (e.fact ->> 'booked_on')::date) <= coalesce(%(at_booked_on)s, 'infinity'::date)
), step as materialized (
    select
        *,
        (project, award, version) not in (
            select project, award, undoes from history where undoes is not null
        ) as stands
    from history
    where type <> 'EntryReversed'
), listed as materialized (
    select s.position, l.row ->> 'award' as award, l.row
    from shared as s
    cross join lateral jsonb_array_elements(s.awards) as l (row)
    where l.row ->> 'award' in (select award from candidate)
), decided as materialized (
    select distinct on (s.project, s.award) s.project, s.award, s.stands, s.occurred_on as decided_on, l.row
    from step as s
    join listed as l on l.position = s.position and l.award = s.award
    order by s.project, s.award, s.stands desc, s.position desc
), positions as materialized (
    select project, award, array_agg(position order by position) as events from history group by project, award
), known as materialized (
    select
        project,
        award,
        (array_agg(type order by position desc) filter (
            where type in ('AwardDeclined', 'AwardRevoked', 'AwardTerminated')
        ))[1] as ending,
        (array_agg(fact -> 'new' order by position desc) filter (where type = 'PayeeChanged'))[1] as payee,
        (array_agg(fact ->> 'ends_on' order by position desc) filter (where fact ? 'ends_on'))[1] as ends_on,
        checkpoints_after(
            jsonb_agg(jsonb_build_object('type', type, 'fact', fact) order by position) filter (
                where is_at_checkpoint(type, fact)
            )
        ) as checkpoints
    from step
    where stands
    group by project, award
), page as materialized (
    select
        c.*,
        d.row,
        d.decided_on,
        d.stands,
        i.applicant,
        i.uscc,
        i.identity,
        i.amount as applied,
        i.round,
        coalesce(k.payee, d.row -> 'payee') as payee,
        case
            when not d.stands then 'reversed'
            when k.ending is null then 'live'
            else lower(substr(k.ending, length('Award') + 1))
        end as status,
        k.ends_on::date as ends_on,
        coalesce(k.checkpoints, '{}') as checkpoints,
        coalesce(k.checkpoints #>> '{acceptance,status}', 'none') as acceptance,
        (k.checkpoints #>> '{acceptance,rectify_by}')::date as rectify_by,
        p.events as events_then
    from candidate as c
    join decided as d using (project, award)
    join positions as p using (project, award)
    join application as i on i.project = c.project and i.application = d.row ->> 'application'
    left join known as k on k.project = c.project and k.award = c.award
), chosen as materialized (
    select *
    from page as p
    where
        (%(status)s::text is null or p.status = %(status)s)
        and (%(acceptance)s::text is null or p.acceptance = %(acceptance)s)
        and (%(uscc)s::text is null or p.uscc = %(uscc)s)
        and (
            %(payee)s::text is null
            or p.payee ->> 'uscc' = %(payee)s
            or plain(p.payee ->> 'name') = plain(%(payee)s)
        )
    order by p.decided_position, p.award
    limit %(limit)s
), shown as materialized (
    select project, round, shown_at(project, round::text, %(at_position)s, %(at_booked_on)s) as amounts
    from (select distinct project, round from chosen) as r
)
select
    c.project,
    c.award,
    c.fund,
    c.row ->> 'application' as application,
    c.applicant,
    c.uscc,
    split_part(c.identity, ':', 1) as identity_kind,
    identity_last4(c.identity) as id_last4,
    identity_code(c.identity, 'registration') as registration,
    c.payee ->> 'name' as payee,
    coalesce(c.payee ->> 'uscc', '') as payee_uscc,
    split_part(i.payee, ':', 1) as payee_identity_kind,
    identity_last4(i.payee) as payee_id_last4,
    identity_code(i.payee, 'registration') as payee_registration,
    c.payee #>> '{account,last4}' as payee_account,
    coalesce(c.row ->> 'score', '') as score,
    (c.row ->> 'rank')::integer as rank,
    c.decided_on,
    c.status,
    c.ends_on,
    c.acceptance,
    c.rectify_by,
    checkpoints_listed(l.checkpoints, c.checkpoints) as checkpoints,
    yuan(m.committed + m.payable + m.in_flight + m.paid) as awarded,
    yuan(m.committed) as committed,
    yuan(m.payable) as payable,
    yuan(m.in_flight) as in_flight,
    yuan(m.paid) as paid,
    yuan(m.recovered) as recovered,
    yuan(c.applied) as applied,
    s.amounts ->> (c.row ->> 'application') as shown,
    case when c.stands then yuan((select sum(fen(a ->> 'amount')) from jsonb_array_elements(c.row -> 'amounts') as a)) else '0.00' end
        as decided,
    yuan(m.amended) as amended,
    yuan(m.returned) as returned,
    yuan(m.received) as recovery_received,
    (
        select r.new_name
        from recipient_rename as r
        where
            r.project = c.project
            and r.application = c.row ->> 'application'
            and (
                -- The event stood then: of its events, which are itself and its reversal, only itself was in the log.
                select array_agg(e.type)
                from unnest(r.events) as h (position)
                join event as e on e.position = h.position
                where
                    e.position <= coalesce(%(at_position)s, e.position)
                    and (e.fact ->> 'booked_on')::date <= coalesce(%(at_booked_on)s, 'infinity'::date)
            ) = array['RecipientRenamed']
        order by r.version desc
        limit 1
    ) as renamed_to,
    c.events_then as events
from chosen as c
join project as l on l.fund = c.fund and l.project = c.project
cross join lateral identity_of(c.payee) as i (payee)
left join shown as s on s.project = c.project and s.round = c.round
cross join lateral (
    select
        coalesce(sum(change) filter (where account = 'committed'), 0) as committed,
        coalesce(sum(change) filter (where account = 'payable'), 0) as payable,
        coalesce(sum(change) filter (where account in ('in_approval', 'in_transit')), 0) as in_flight,
        coalesce(sum(change) filter (where account = 'paid'), 0) as paid,
        coalesce(sum(change) filter (where account = 'recovered'), 0) as recovered,
        coalesce(sum(-change) filter (where account = 'line' and 'AwardAmended' in (m.type, m.entry)), 0) as amended,
        coalesce(sum(-change) filter (where account = 'paid' and 'PaymentReturned' in (m.type, m.entry)), 0) as returned,
        coalesce(sum(-change) filter (where account = 'paid' and 'RecoveryReceived' in (m.type, m.entry)), 0) as received
    from movement as m
    cross join lateral (values (m.source, -m.amount), (m.target, m.amount)) as leg (account, change)
    where
        m.project = c.project and m.award = c.award
        and m.position <= coalesce(%(at_position)s, m.position)
        and m.booked_on <= coalesce(%(at_booked_on)s, m.booked_on)
) as m
order by c.decided_position, c.award
