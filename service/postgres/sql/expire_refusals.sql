-- expire_refusals: delete refusals that were not repeated for so many days, at most 50 000 at a time.
delete from refusal where id in (
    select id from refusal
    where last_at < now() - make_interval(days => %(days)s)
    order by id
    limit 50000
    for update skip locked
)
