"""Options and helpers shared by the archive commands: `archive`, `replay` and `restore`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from service.archive.engines import EngineMissing
from service.archive.manifest import Archive, ArchiveWrong
from service.auth import api_keys
from service.cli.terminal import PATH, progress, say
from service.config import Config

FROM = click.option(
    "--from",
    "folder",
    required=True,
    type=PATH,
    help="the archive's folder 归档目录",
)


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Turn errors that the operator can fix into a ClickException, which is printed without a traceback."""
    try:
        yield
    except (ArchiveWrong, EngineMissing) as error:
        raise click.ClickException(str(error)) from error
    except ImportError as error:
        raise click.ClickException(str(EngineMissing("archive"))) from error


CHAIN = click.option("--chain", metavar="SHA256", help="the expected chain hash, if you kept it 归档的链值")


@contextmanager
def bar(name: str, console: Console) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar titled `name`. Yields the function to call with the number of events done and the total."""
    columns = (
        TextColumn(name), BarColumn(), TextColumn("{task.completed:,.0f}/{task.total:,.0f}"), TimeElapsedColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    with progress(*columns, console=console) as display:
        task = display.add_task(name, total=1)
        yield lambda done, total: display.update(task, completed=done, total=total)


def must_match(archive: Archive, chosen: Config) -> None:
    """Raises ArchiveWrong if the archive has another secret or another source than `chosen`."""
    must_have_secret_of(archive, chosen.secret)
    if archive.manifest.source != chosen.source:
        raise ArchiveWrong(
            f"The archive is of the source {archive.manifest.source}: set SUYUAN_SOURCE. 请设置 SUYUAN_SOURCE。"
        )


def must_have_secret_of(archive: Archive, secret: bytes | None) -> None:
    """Raises ArchiveWrong if the archive was not written under `secret`."""
    if secret is None or archive.manifest.secret != api_keys.fingerprint(secret):
        raise ArchiveWrong("The archive was written under another secret: set SUYUAN_SECRET. 归档使用的是另一密钥。")


def print_chain(archive: Archive) -> None:
    say(f"chain {archive.manifest.chain}")
