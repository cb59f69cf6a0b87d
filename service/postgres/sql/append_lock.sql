-- append_lock: the appenders' lock, taken before deciding by a post that was overtaken once.
select pg_advisory_xact_lock(7001)
