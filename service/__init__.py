"""Everything that touches the world: the log on PostgreSQL, HTTP, keys, logs, the command line."""

__version__ = "0.2.0"
"""The version of the program. pyproject.toml, `suyuan --version`, /healthz and /openapi.json take it from here."""
