"""Appending to a project with a long history and to a long log, compared with short ones."""

from __future__ import annotations

from collections.abc import Iterator

from bench import appends
from bench.race import Pace, Row, race
from bench.workload import Fund, Payments
from service.ledger.application import Ledger

SHORT, THOUSAND, LONG = "some 10 events", "some 1,000 events", "340,000 events, 20,000 awards"


def of_projects(ledger: Ledger, funds: dict[str, Fund], pace: Pace) -> Iterator[Row]:
    """One writer; there are many short projects, so that each stays short."""
    contenders = [appends.contender(name, ledger, Payments(fund), 1) for name, fund in funds.items()]
    for contender in contenders:
        contender.run(pace.seconds)
    yield from race("length of a project's life", "one writer, one event", contenders, pace)


def of_logs(ledgers: dict[str, tuple[Ledger, Fund]], pace: Pace) -> Iterator[Row]:
    """Each ledger is in its own database on the same server."""
    contenders = [appends.contender(name, ledger, Payments(fund), 16) for name, (ledger, fund) in ledgers.items()]
    for contender in contenders:
        contender.run(pace.seconds)
    yield from race("length of the log", "16 writers, one event", contenders, pace)
