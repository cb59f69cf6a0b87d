"""Which PostgreSQL: the one that DATABASE_URL names, or the embedded one under the home folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from service.config import Config
from service.postgres.embedded import embedded_postgres


@contextmanager
def database(config: Config, *, join: bool = False) -> Iterator[Config]:
    """The configuration with its database chosen; an embedded one runs as long as this lasts.

    `join`: use the embedded one that another process runs, instead of refusing to share its home.
    """
    if config.database_url is not None:
        yield config
        return
    with embedded_postgres(config.home, join=join) as url:
        yield replace(config, database_url=url)
