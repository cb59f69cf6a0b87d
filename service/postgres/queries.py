"""Every query of the service by its name: one file each in `sql/`, whose first line says what it answers."""

from __future__ import annotations

from importlib.resources import files

QUERIES: dict[str, str] = {
    file.name.removesuffix(".sql"): file.read_text(encoding="utf-8")
    for file in files("service.postgres.sql").iterdir()
    if file.name.endswith(".sql")
}
