"""The archive: the log in Parquet segments that can be read without a database, restored and replayed.

`write` adds new events, `restore` fills an empty database, `replay` recomputes the balances in another engine. Parquet
and DuckDB are in the optional extra `archive`, Spark in `spark`.
"""
