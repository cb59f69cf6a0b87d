"""`suyuan checker`: runs the requested and the periodic checks, apart from the projector, whose work they check."""

from __future__ import annotations

import click
import structlog

from service import config, supervisor
from service.auth import api_keys
from service.cli.terminal import connect, location, variables
from service.config import OF_CHECKER, OF_LEDGER
from service.postgres import roles
from service.postgres.connect import database, url_of
from service.postgres.migrate import check_migrated
from service.workers import check_scheduler

log = structlog.get_logger()


@click.command("checker", epilog=variables(*OF_LEDGER, *OF_CHECKER))
@supervisor.permanent_errors()
def command() -> None:
    """定时核查，并执行申请的核查。Run the checks, beside a projector with --no-checks."""
    supervisor.no_core_dumps()
    stop = supervisor.stop_signal()
    supervisor.watch_parent(stop.set)
    settings = config.from_environment(variables=OF_CHECKER)
    with database(settings, roles.CHECKER, join=True) as chosen:
        with connect(url_of(chosen)) as conn:
            check_migrated(conn)
            api_keys.check_secret(conn, chosen.secret)
            check_scheduler.must_run_checks(conn)
            roles.warn_if_more_than(roles.CHECKER, conn)
            log.info("checker starting", ledger=location(settings, conn))
        check_scheduler.follow(chosen, stop)
