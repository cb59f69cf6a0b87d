"""`suyuan contract`: writes the API contract that is published."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from service.api.contract.compatibility import removals
from service.app import contract
from service.cli.terminal import PATH, err, say
from service.config import ExitCode
from service.yaml_file.document import bytes_of


@click.command("contract")
@click.argument("file", type=PATH)
def command(file: Path) -> None:
    """更新接口契约（只增不减）。Write the API's contract to FILE, unless that would remove anything from FILE."""
    current = contract()
    if file.exists() and (broken := list(removals(_published(file), current))):
        say("契约只增不减 a published contract may only be extended\n" + "\n".join(broken), console=err)
        sys.exit(ExitCode.DIFFERS)
    file.write_text(json.dumps(current, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _published(file: Path) -> dict[str, Any]:
    """The contract in `file`. Raises ClickException if the file is not an OpenAPI document in JSON."""
    try:
        contract = json.loads(bytes_of(file))
    except (ValueError, RecursionError) as error:
        raise click.ClickException(f"{file}: 不是 JSON is not JSON: {error}") from error
    if not isinstance(contract, dict) or "openapi" not in contract:
        raise click.ClickException(f"{file}: 不是 OpenAPI 契约 is not an OpenAPI contract")
    return contract
