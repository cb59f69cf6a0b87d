-- recipients_twice: the recipients that have awards in several projects, one of them of this fund: the first `limit` of
-- them, and how many there are. Of other funds, only projects that the reader may read: in one of `funds` or
-- `projects`, or all if both are null. A recipient is found by its present identity as the payee, or after a rename.
with candidate as (
    select identity from recipient where fund = %(fund)s and elsewhere
    union
    select own.identity
    from recipient as own
    join recipient as other on other.identity = own.identity and other.fund <> %(fund)s
    where
        own.fund = %(fund)s
        and (
            %(funds)s::text[] is null
            or other.fund = any(%(funds)s::text[])
            or other.project = any(%(projects)s::text[])
        )
), award_now as (
    select a.payee_identity as identity, a.payee as name, a.fund, a.project, a.award, a.decided_position as position
    from candidate as c
    join award as a on a.payee_identity = c.identity and a.status in ('live', 'terminated')
    union
    select c.identity, r.new_name, a.fund, a.project, a.award, a.decided_position
    from candidate as c
    join recipient_rename as r on r.new_identity = c.identity and r.status = 'recorded'
    join award as a using (project, application)
    where a.status in ('live', 'terminated')
)
select
    split_part(identity, ':', 1) as kind,
    coalesce(identity_last4(identity), substr(identity, position(':' in identity) + 1)) as code,
    min(name) as recipient,
    array_agg(distinct award_now.project || '/' || award) as awards,
    array_agg(distinct award_now.position order by award_now.position) as positions,
    count(*) over () as total
from award_now
where
    fund = %(fund)s
    or %(funds)s::text[] is null
    or fund = any(%(funds)s::text[])
    or project = any(%(projects)s::text[])
group by identity
having min(project) <> max(project) and bool_or(fund = %(fund)s)
order by min(award_now.position), identity
limit %(limit)s
