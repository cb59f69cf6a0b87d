"""All DDL, forward only: numbered .sql files, applied by `service/migrate.py` and never edited afterwards."""
