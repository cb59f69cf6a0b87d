-- dropped_refusals: the keys of which refusals were deleted, with how many and up to when. Under a filter by fund or
-- stream, only the keys that have a refusal there, and `own_key`.
select t.key, t.dropped, t.kept_since
from refusal_total as t
where
    t.dropped > 0
    and (%(key)s::text is null or t.key = %(key)s)
    and (
        t.key = %(own_key)s
        or %(fund)s::text is null and %(stream)s::text is null
        or exists (
            select from refusal as r
            where
                r.key = t.key
                and (%(fund)s::text is null or r.fund = %(fund)s)
                and (%(stream)s::text is null or r.stream = %(stream)s)
                and (%(of_fund)s::text is null or r.fund = %(of_fund)s)
        )
    )
order by t.key
