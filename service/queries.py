"""Every query of the service by its name: each is one file in service/sql, whose first line says what it answers."""

from __future__ import annotations

from importlib.resources import files

QUERIES: dict[str, str] = {
    file.name.removesuffix(".sql"): file.read_text(encoding="utf-8")
    for file in files("service.sql").iterdir()
    if file.name.endswith(".sql")
}
