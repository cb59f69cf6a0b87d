-- append_lock: take the append lock. The last attempt of a post takes it before deciding, so that no other transaction
-- appends in between.
select lock_appends()
