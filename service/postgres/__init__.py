"""PostgreSQL: connecting, the embedded server, migrations, read snapshots, and every named query."""
