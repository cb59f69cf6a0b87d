"""Everything that does I/O: the event log on PostgreSQL, HTTP, API keys, log output, the command line."""

__version__ = "0.2.0"
"""The version of the program. pyproject.toml, `suyuan --version`, /healthz and /openapi.json take it from here."""
