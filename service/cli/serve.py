"""`suyuan serve`: the web service."""

from __future__ import annotations

import os
import signal

import click
import structlog

import projections
from service import config, supervisor
from service.auth import api_keys, tokens
from service.cli.terminal import OF_LEDGER, connect, url_of, variables
from service.postgres.connect import database
from service.postgres.migrate import check_migrated
from service.postgres.queries import QUERIES
from service.server import granian

log = structlog.get_logger()


@click.command(
    "serve",
    epilog=variables(*OF_LEDGER, "HOST", "PORT", "SUYUAN_SOURCE", "SUYUAN_RATE", "SUYUAN_OIDC", "SUYUAN_EXAMPLE"),
)
def command() -> None:
    """启动网络服务（先执行 migrate）。Serve the API; `suyuan migrate` comes first."""
    supervisor.watch_parent(lambda: os.kill(os.getpid(), signal.SIGTERM))
    with database(config.from_environment(), join=True) as chosen:
        if chosen.oidc:
            tokens.read(chosen.oidc)  # a mistake in the file is reported here rather than by a worker
        with connect(url_of(chosen)) as conn:
            check_migrated(conn)
            api_keys.check_secret(conn, chosen.secret)
            if changed := projections.changed(conn):
                log.warning("projections are to be rebuilt", projections=changed)
            if conn.execute(QUERIES["logs_values"]).fetchone():
                log.warning("this PostgreSQL writes parameters into its log: set log_parameter_max_length = 0")
        log.info("serving", host=chosen.host, port=chosen.port)
        granian.serve(chosen)
