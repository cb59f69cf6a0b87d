"""Chooses the PostgreSQL server: the one of DATABASE_URL, or the embedded server under the home folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from service.config import Config, ConfigWrong
from service.postgres import roles
from service.postgres.embedded import embedded_postgres, socket_folder
from service.postgres.session import KEYS, connect


@contextmanager
def database(config: Config, role: str = roles.OWNER, *, join: bool = False) -> Iterator[Config]:
    """Context manager: yields `config` with a database URL.

    If `config` has no URL, the URL is that of an embedded server, which runs until the context ends, for the login of
    `role`. `join`: if another process already runs the embedded server of this home folder, use that server instead of
    raising HomeInUse.
    """
    if config.database_url is not None:
        chosen = for_role(config, role)
        _check_sessions(url_of(chosen))
        yield chosen
        return
    _forget_libpq_variables()
    with embedded_postgres(config.home, join=join) as url:
        yield for_role(replace(config, database_url=url), role)


def for_role(config: Config, role: str) -> Config:
    """`config` with the URL of the login of `role`, if the URL is that of the embedded server of the home folder.

    With DATABASE_URL, the operator has chosen the login of each process, so `config` is returned as it is.
    """
    url = url_of(config)
    if conninfo_to_dict(url).get("host") != str(socket_folder(config.home / "postgres")):
        return config
    return replace(config, database_url=make_conninfo(url, user=roles.login(role)))


def url_of(config: Config) -> str:
    """The database URL of a configuration whose database was chosen."""
    assert config.database_url is not None
    return config.database_url


class TransactionPooler(ConfigWrong):
    """DATABASE_URL leads to a pooler in which each transaction may get another session."""

    def __init__(self) -> None:
        super().__init__(
            "DATABASE_URL 经过按事务分配会话的连接池（如 PgBouncer 的 transaction 模式），"
            "会话设置、LISTEN、会话锁和预备语句在其中失效：请直连数据库，或改用 session 模式。\n"
            "DATABASE_URL leads to a pooler that gives each transaction another session, such as PgBouncer's"
            " transaction mode. Session settings, LISTEN, session locks and prepared statements do not survive it:"
            " connect to the database itself, or use the mode `session`."
        )


ATTEMPTS = 3
"""How many times `_check_sessions` looks for a pooler. One check may miss a pooler if other clients take and return its
sessions meanwhile."""


def _check_sessions(url: str) -> None:
    """Raise TransactionPooler if the connections to `url` do not each keep their own session.

    A session setting made on one connection must stay visible there, and must not be visible on another connection.
    """
    with connect(url, KEYS) as one, connect(url, KEYS) as other:
        for _ in range(ATTEMPTS):
            mark = uuid4().hex
            one.execute("select set_config('suyuan.session', %s, false)", [mark])
            with other.transaction():  # a pooler lends it the session that was returned last
                [seen] = other.execute(SETTING).fetchone() or [None]
                [kept] = one.execute(SETTING).fetchone() or [None]
            if kept != mark or seen == mark:
                raise TransactionPooler


SETTING = "select current_setting('suyuan.session', true)"


def _forget_libpq_variables() -> None:
    """Remove the environment variables of libpq, such as PGHOSTADDR.

    These variables are meant for another server. They must not change where or how clients of the embedded server
    connect.
    """
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
