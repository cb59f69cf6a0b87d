"""`suyuan projector`: follows the log, folds it into the projections, and runs the scheduled checks."""

from __future__ import annotations

import sys
import threading

import click
import structlog

from projections import Changed, FoldStopped
from service import config, supervisor
from service.auth import api_keys
from service.cli.terminal import connect, location, say, url_of, variables
from service.config import OF_LEDGER, OF_PROJECTOR, ExitCode
from service.postgres.connect import database
from service.postgres.migrate import check_migrated
from service.workers import check_scheduler, projector

log = structlog.get_logger()


@click.command("projector", epilog=variables(*OF_LEDGER, *OF_PROJECTOR))
@supervisor.permanent_errors()
def command() -> None:
    """跟随日志，更新投影，定时核查。Follow the log, fold it into the projections, run the checks."""
    supervisor.no_core_dumps()
    stop = supervisor.stop_signal()
    supervisor.watch_parent(stop.set)
    settings = config.from_environment(variables=OF_PROJECTOR)
    with database(settings, join=True) as chosen:
        with connect(url_of(chosen)) as conn:
            check_migrated(conn)
            api_keys.check_secret(conn, chosen.secret)
            log.info("projector starting", ledger=location(settings, conn))
        stop_checks = threading.Event()
        checks = threading.Thread(target=check_scheduler.follow, args=(chosen, stop_checks), name="check scheduler")
        checks.start()
        try:
            projector.follow(url_of(chosen), stop)
        except FoldStopped as stopped:
            log.error("projector stopped", **stopped.facts)  # noqa: TRY400 - the finding has all details
            sys.exit(ExitCode.PERMANENT)
        except Changed as changed:
            say(str(changed))
            sys.exit(ExitCode.PERMANENT)
        finally:
            stop_checks.set()
            checks.join()
