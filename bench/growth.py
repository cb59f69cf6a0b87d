"""Appending to a project with a long history or to a long log, compared with a short history or a short log."""

from __future__ import annotations

from collections.abc import Iterator

from bench import appends
from bench.race import Pace, Row, race
from bench.workload import Fund, Payments
from service.ledger.application import Ledger

SHORT, THOUSAND, LONG = "some 10 events", "some 1,000 events", "340,000 events, 20,000 awards"


def of_projects(ledger: Ledger, funds: dict[str, Fund], pace: Pace) -> Iterator[Row]:
    """Measures one writer that appends to projects with histories of different lengths; yields a row for each length.

    `funds` maps the name of each length to a fund. The fund for the short length has many projects, so that the history
    of each stays short.
    """
    contenders = [appends.contender(name, ledger, Payments(fund), 1) for name, fund in funds.items()]
    for contender in contenders:
        contender.run(pace.seconds)
    yield from race("length of a project's life", "one writer, one event", contenders, pace)


def of_logs(ledgers: dict[str, tuple[Ledger, Fund]], pace: Pace) -> Iterator[Row]:
    """Measures 16 writers that append to logs of different lengths; yields a row for each length.

    `ledgers` maps the name of each length to a ledger whose log has this length, and to the fund to post to. Each
    ledger has a database of its own, on the same server.
    """
    contenders = [appends.contender(name, ledger, Payments(fund), 16) for name, (ledger, fund) in ledgers.items()]
    for contender in contenders:
        contender.run(pace.seconds)
    yield from race("length of the log", "16 writers, one event", contenders, pace)
