"""`suyuan serve`: the web service."""

from __future__ import annotations

import os
import signal

import click
import structlog

import projections
from service import config, supervisor
from service.cli.terminal import claim_secret, connect, location, variables
from service.config import OF_LEDGER, OF_SERVER
from service.postgres import roles
from service.postgres.connect import database, url_of
from service.postgres.migrate import check_migrated
from service.postgres.queries import QUERIES
from service.server import granian, startup

log = structlog.get_logger()


@click.command("serve", epilog=variables(*OF_LEDGER, *OF_SERVER))
@supervisor.permanent_errors()
def command() -> None:
    """启动网络服务（先执行 migrate）。Serve the API; run `suyuan migrate` first."""
    supervisor.no_core_dumps()
    supervisor.watch_parent(lambda: os.kill(os.getpid(), signal.SIGTERM))
    settings = startup.checked(config.from_environment(variables=OF_SERVER))
    with database(settings, roles.WEB, join=True) as chosen:
        with connect(url_of(chosen)) as conn:
            check_migrated(conn)
            claim_secret(chosen, conn)
            roles.warn_if_more_than(roles.WEB, conn)
            if changed := projections.changed(conn):
                log.warning("projections must be rebuilt", projections=changed)
            if conn.execute(QUERIES["logs_values"]).fetchone():
                log.warning("this PostgreSQL logs parameter values: set log_parameter_max_length = 0")
            addresses = {"host": chosen.host, "port": chosen.port, "health_port": chosen.health_port}
            log.info("serving", ledger=location(settings, conn), **addresses)
        granian.serve(chosen)
