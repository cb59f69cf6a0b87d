"""What the projector is compared with: the eventsourcing library's projection runner, folding the same balances."""

from __future__ import annotations

from typing import Any, ClassVar

import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.conninfo import conninfo_to_dict

from domain.posting import TREASURY
from service.ledger.recorder import Datastore, FactMapper, Recorder

TABLE = """
    create table if not exists bench_balance (
        fund text, account text, project text, batch integer, award text, amount bigint,
        primary key (fund, account, project, batch, award)
    )
"""
ADD = """
    insert into bench_balance values (%s, %s, %s, %s, %s, %s)
    on conflict (fund, account, project, batch, award) do update set amount = bench_balance.amount + excluded.amount
"""


class Log(Application[str]):
    """The ledger's log as an application of the eventsourcing library."""

    name = "ledger"
    url: ClassVar[str]

    def construct_mapper(self) -> FactMapper:
        return FactMapper(self.construct_transcoder())

    def construct_recorder(self) -> Recorder:
        return Recorder(Datastore(self.url, 4))


class View(PostgresTrackingRecorder):
    """Adds to the balances, and to how far they have got, in one transaction for each `batch` events."""

    batch: ClassVar[int] = 1

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._legs: list[tuple[Any, ...]] = []
        self._events = 0

    def add(self, legs: list[tuple[Any, ...]], tracking: Tracking) -> None:
        self._legs += legs
        self._events += 1
        if self._events % self.batch:
            return
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            for leg in self._legs:
                cursor.execute(ADD, leg)
        self._legs.clear()


class Balances(Projection[View]):
    name = "balances"

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        event = domain_event.recorded
        moves = () if event.mirrors else event.moves
        legs = [
            (
                event.fund,
                account,
                move.place.project or "",
                move.place.batch or 0,
                move.place.award or "",
                sign * move.amount,
            )
            for move in moves
            for account, sign in ((move.source, -1), (move.target, 1))
            if account != TREASURY
        ]
        self.view.add(legs, tracking)


def fold_balances(url: str, events: int, batch: int = 1) -> None:
    """Run the library's runner on the log, from its beginning until `events` events are folded into balances.

    `batch`: how many events are folded in one transaction; `events` is a multiple of it.
    """
    with psycopg.connect(url, autocommit=True) as conn:
        for table in ("bench_balance", "balances_tracking"):
            conn.execute(f"drop table if exists {table}".encode())
        conn.execute(TABLE)
    View.batch = batch
    conninfo = conninfo_to_dict(url)
    Log.url = url
    env = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(conninfo["dbname"]),
        "POSTGRES_HOST": str(conninfo["host"]),
        "POSTGRES_PORT": str(conninfo["port"]),
        "POSTGRES_USER": str(conninfo["user"]),
        "POSTGRES_PASSWORD": "none",
    }
    with ProjectionRunner(application_class=Log, projection_class=Balances, view_class=View, env=env) as runner:
        runner.wait(events, timeout=600)
