"""The service's named queries. Each is a file in `sql/` that begins with its name and what it returns or does."""

from __future__ import annotations

from importlib.resources import files

QUERIES: dict[str, str] = {
    file.name.removesuffix(".sql"): file.read_text(encoding="utf-8")
    for file in files("service.postgres.sql").iterdir()
    if file.name.endswith(".sql")
}
