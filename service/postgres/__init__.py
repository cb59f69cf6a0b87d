"""PostgreSQL: connections, the embedded server, migrations, database snapshots for reads, and the named queries."""
