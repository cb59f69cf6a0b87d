-- refusals: refused posts, in the order of their first refusal. `of_fund` is the fund of the project whose stream is
-- asked for: other funds may have tried to open a project with its code.
select
    id, first_at, last_at, times, key, source, post_id, type, stream, fund, actor, occurred_on,
    problem, rule, title, title_zh, facts, not_kept
from refusal
where
    id > %(after)s
    and (%(fund)s::text is null or fund = %(fund)s)
    and (%(stream)s::text is null or stream = %(stream)s)
    and (%(of_fund)s::text is null or fund = %(of_fund)s)
    and (%(key)s::text is null or key = %(key)s)
    and (%(type)s::text is null or type = %(type)s)
    and (%(source)s::text is null or source = %(source)s)
    and (%(post_id)s::text is null or post_id = %(post_id)s)
order by id
limit %(limit)s
