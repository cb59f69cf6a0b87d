"""Choose the PostgreSQL server: the one of DATABASE_URL, or the embedded server under the home folder."""

from __future__ import annotations

import os
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
    _forget_libpq_variables()
    with embedded_postgres(config.home, join=join) as url:
        yield replace(config, database_url=url)


def _forget_libpq_variables() -> None:
    """Remove the environment variables of libpq, such as PGHOSTADDR.

    They are meant for another server, and must not change where the embedded server's clients connect, or how.
    """
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
