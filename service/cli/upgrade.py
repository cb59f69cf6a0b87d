"""Upgrades a ledger, for `migrate` and `run`: applies the pending migrations, then rebuilds what has changed or is new.

Several programs may do this at the same time, for instance containers that start together. They wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

from psycopg import Connection
from rich.console import Console

from projections import outdated
from projections.held_fund import Hold
from projections.rebuild import AlreadyRunning, is_running
from service.auth import api_keys
from service.cli import rebuild_progress
from service.cli.terminal import err, is_set_up, say
from service.config import Config
from service.postgres.connect import url_of
from service.postgres.migrate import migrate, wait_until


class Upgraded(NamedTuple):
    """What an upgrade has done: the applied migrations, the rebuilt projections, and the funds that are held by it."""

    migrations: tuple[str, ...]
    projections: tuple[str, ...]
    held: tuple[Hold, ...]


def upgrade(chosen: Config, conn: Connection[dict[str, Any]], console: Console) -> Upgraded:
    """Bring the ledger up to date with this version of the program; set or check its secret. `conn`: its database.

    The progress is shown on `console`. If another program upgrades or rebuilds the ledger, says so on standard error,
    and waits. Raises OtherSecret before anything is changed; also the errors of `migrate` and
    `rebuild_progress.run_outdated`.
    """
    url, say_wait = url_of(chosen), cache(_say_wait)  # cached, so that it says it once
    applied = migrate(url, before=lambda: _check_secret(conn, chosen.secret), on_wait=say_wait)
    api_keys.claim_secret(conn, chosen.secret)
    return Upgraded(tuple(applied), *_rebuild(conn, url, console, say_wait))


def _check_secret(conn: Connection[dict[str, Any]], secret: bytes) -> None:
    if is_set_up(conn, "secret"):  # else the migrations will create the table
        api_keys.check_secret(conn, secret)


def _rebuild(
    conn: Connection[Any], url: str, console: Console, say_wait: Callable[[], None]
) -> tuple[tuple[str, ...], tuple[Hold, ...]]:
    """Rebuild the outdated projections as soon as no other program rebuilds. What that program did is not repeated."""
    while True:
        wait_until(lambda: not outdated(conn) or not is_running(conn), say_wait)
        with suppress(AlreadyRunning):  # another program that waited was faster
            return rebuild_progress.run_outdated(url, console)


def _say_wait() -> None:
    say(
        "另一程序正在升级或重建此账簿，等待其完成 another program upgrades or rebuilds this ledger: waiting for it",
        console=err,
    )
