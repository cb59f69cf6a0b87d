"""The archive: the log in Parquet segments that need no database, and the ways back from them.

`write` adds what is new, `restore` fills an empty database, `replay` computes the balances anew in another engine.
Parquet, DuckDB and Spark are the optional extras `archive` and `spark`.
"""
