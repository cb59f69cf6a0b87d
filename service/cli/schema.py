"""`suyuan schema`: writes the database schema that results from all migrations."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli.terminal import PATH
from service.postgres.schema import current_schema


@click.command("schema")
@click.argument("file", type=PATH)
def command(file: Path) -> None:
    """写出当前数据库结构。Write the database schema after all migrations to FILE."""
    file.write_text(current_schema(), encoding="utf-8")
