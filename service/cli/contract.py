"""`suyuan contract`: writes the API contract that is published."""

from __future__ import annotations

import json
from pathlib import Path

import click

from service.api.contract.compatibility import removals
from service.app import contract


@click.command("contract")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def command(file: Path) -> None:
    """更新接口契约（只增不减）。Write the API's contract to FILE, unless that would remove anything from FILE."""
    current = contract()
    if file.exists() and (broken := list(removals(json.loads(file.read_text(encoding="utf-8")), current))):
        raise click.ClickException("契约只增不减 a published contract may only be extended\n" + "\n".join(broken))
    file.write_text(json.dumps(current, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
