-- balances_at: every balance as of a position, or now if `position` is null.
select * from balance_at(%(position)s, null)
