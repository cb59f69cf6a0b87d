"""Choose the PostgreSQL server: the one of DATABASE_URL, or the embedded server under the home folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from service.config import Config
from service.postgres.embedded import embedded_postgres


@contextmanager
def database(config: Config, *, join: bool = False) -> Iterator[Config]:
    """The configuration with its database URL set. An embedded server runs until the context ends.

    `join`: if another process runs the embedded server of this home, use that server instead of raising HomeInUse.
    """
    if config.database_url is not None:
        yield config
        return
    with embedded_postgres(config.home, join=join) as url:
        yield replace(config, database_url=url)
