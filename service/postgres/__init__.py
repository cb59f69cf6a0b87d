"""PostgreSQL: connections, the embedded server, migrations, read snapshots, and the named queries."""
