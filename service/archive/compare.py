"""Compares the live balances with the balances that another engine computed from the archive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row, tuple_row

from domain.money import Money
from projections import ORDER
from service.archive.manifest import ArchiveWrong
from service.postgres.queries import QUERIES

KEY = ("fund", "project", "batch", "award")
MAX_SHOWN = 20
Key = tuple[Any, ...]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Compared:
    """The live balances, compared with balances recomputed from an archive, as of `position`.

    `rows`: the number of rows compared. `differing`: the number of rows that differ. `shown`: at most MAX_SHOWN of the
    differing rows, each as the key, the live row and the recomputed row. `held`: the funds that were left out, because
    the live tables lack some of their events up to `position`.
    """

    position: int
    rows: int
    differing: int
    shown: tuple[tuple[Key, Row | None, Row | None], ...]
    held: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The comparison as JSON-compatible values, with amounts in yuan."""
        shown = [
            {"key": list(key), "live": live and in_yuan(live), "replayed": replayed and in_yuan(replayed)}
            for key, live, replayed in self.shown
        ]
        return {
            "position": self.position, "rows": self.rows, "differing": self.differing, "shown": shown,
            "held": list(self.held),
        }  # fmt: skip


def compare(conn: Connection[Any], replayed: Iterable[Row], position: int) -> Compared:
    """Compare the balances `replayed`, recomputed from an archive, with the live balances as of `position`.

    Raises ArchiveWrong if the projections have not folded `position` yet.
    """
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read")
        conn.execute("lock table projection in access share mode")  # before the snapshot, as readers do
        [(reached, *_)] = (
            conn.cursor(row_factory=tuple_row).execute(QUERIES["reached"], {"names": list(ORDER)}).fetchall()
        )
        if reached < position:
            raise ArchiveWrong(f"The tables are at {reached}, the archive at {position}. 投影尚未到达归档位置。")
        at = None if reached == position else position
        rows = conn.cursor(row_factory=dict_row)
        held = [row["fund"] for row in rows.execute(QUERIES["held_funds"]) if row["position"] <= position]
        live = _by_key(rows.execute(QUERIES["balances_at"], {"position": at}), held)
    other = _by_key(replayed, held)
    differing = [key for key in sorted(live.keys() | other.keys(), key=str) if live.get(key) != other.get(key)]
    shown = tuple((key, live.get(key), other.get(key)) for key in differing[:MAX_SHOWN])
    return Compared(position, len(live.keys() | other.keys()), len(differing), shown, tuple(held))


def in_yuan(row: Row) -> dict[str, Any]:
    """A row of balances with its amounts converted from fen to yuan."""
    return {name: value if name in KEY else str(Money(value)) for name, value in row.items()}


def _by_key(rows: Iterable[Row], held: Sequence[str]) -> dict[Key, dict[str, int]]:
    """Maps the key of each row (its columns KEY) to the row's amounts, in fen.

    Rows of held funds and rows whose amounts are all zero are left out.
    """
    by_key = {
        tuple(row[name] for name in KEY): {name: int(row[name]) for name in row if name not in KEY}
        for row in rows
        if row["fund"] not in held
    }
    return {key: amounts for key, amounts in by_key.items() if any(amounts.values())}
