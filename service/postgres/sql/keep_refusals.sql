-- keep_refusals: store refused posts. A repeated refusal for the same reason only increments the count. A post that
-- would open a project names a fund: if the sender is limited to this fund (`own_fund`), the refusal belongs to it, and
-- not to the fund that may have the project already.
insert into refusal as r (
    key, source, post_id, digest, type, stream, fund, actor, occurred_on, problem, rule, title, title_zh, facts, not_kept
)
select
    n.key, n.source, n.post_id, n.digest, n.type, n.stream,
    case
        when n.stream like 'fund/%%' then substr(n.stream, 6)
        else coalesce(
            n.own_fund, (select e.fact ->> 'fund' from event as e where e.stream = n.stream and e.version = 1), n.fund
        )
    end,
    n.actor, n.occurred_on, n.problem, n.rule, n.title, n.title_zh, n.facts::jsonb,
    string_to_array(n.not_kept, ',')
from unnest(
    %(keys)s::text[], %(sources)s::text[], %(ids)s::text[], %(digests)s::bytea[], %(types)s::text[],
    %(streams)s::text[], %(actors)s::text[], %(days)s::date[], %(problems)s::text[], %(rules)s::text[],
    %(funds)s::text[], %(own_funds)s::text[], %(titles)s::text[], %(titles_zh)s::text[], %(facts)s::text[],
    %(not_kept)s::text[]
) as n (
    key, source, post_id, digest, type, stream, actor, occurred_on, problem, rule, fund, own_fund, title, title_zh,
    facts, not_kept
)
on conflict (key, source, post_id, digest, problem, md5(facts::text)) do update
set times = r.times + 1, last_at = now()
