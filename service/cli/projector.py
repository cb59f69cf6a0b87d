"""`suyuan projector`: follows the log, folds it into the projections, and runs the scheduled checks."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import click
import structlog

from projections import Changed, FoldStopped
from service import config, supervisor
from service.auth import api_keys
from service.cli.terminal import connect, location, say, variables
from service.config import OF_LEDGER, OF_PROJECTOR, Config, ExitCode
from service.postgres import roles
from service.postgres.connect import database, for_role, url_of
from service.postgres.migrate import check_migrated
from service.workers import check_scheduler, projector, refusal_expiry

log = structlog.get_logger()


@click.command("projector", epilog=variables(*OF_LEDGER, *OF_PROJECTOR))
@click.option("--no-checks", is_flag=True, help="run no checks: `suyuan checker` does 不核查，由 suyuan checker 核查")
@supervisor.permanent_errors()
def command(*, no_checks: bool) -> None:
    """跟随日志，更新投影，定时核查。Follow the log, fold it into the projections, run the checks."""
    supervisor.no_core_dumps()
    stop = supervisor.stop_signal()
    supervisor.watch_parent(stop.set)
    settings = config.from_environment(variables=OF_PROJECTOR)
    with database(settings, roles.PROJECTOR, join=True) as chosen:
        with connect(url_of(chosen)) as conn:
            check_migrated(conn)
            api_keys.check_secret(conn, chosen.secret)
            if no_checks:
                roles.warn_if_more_than(roles.PROJECTOR, conn)
            log.info("projector starting", ledger=location(settings, conn))
        checks = nullcontext() if no_checks else _checks(for_role(chosen, roles.CHECKER))
        with checks, _running_beside(refusal_expiry.follow, chosen):
            try:
                projector.follow(url_of(chosen), stop)
            except FoldStopped as stopped:
                log.error("projector stopped", **stopped.facts)  # noqa: TRY400 - the finding has all details
                sys.exit(ExitCode.PERMANENT)
            except Changed as changed:
                say(str(changed))
                sys.exit(ExitCode.PERMANENT)


@contextmanager
def _checks(chosen: Config) -> Iterator[None]:
    """Context manager: requested and periodic checks are run in a thread beside the projector."""
    with connect(url_of(chosen)) as conn:
        check_scheduler.must_run_checks(conn)
    with _running_beside(check_scheduler.follow, chosen):
        yield


@contextmanager
def _running_beside(follow: Callable[[Config, threading.Event], None], chosen: Config) -> Iterator[None]:
    """Context manager: `follow` runs in a thread of its own; at the end, it is stopped."""
    stop = threading.Event()
    thread = threading.Thread(target=follow, args=(chosen, stop), name=follow.__module__)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
