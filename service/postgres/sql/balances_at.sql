-- balances_at: every balance as of a position; now, if it is null.
select * from balance_at(%(position)s, null)
