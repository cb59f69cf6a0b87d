"""Everything that touches the world: the log on PostgreSQL, HTTP, keys, logs, the command line."""
