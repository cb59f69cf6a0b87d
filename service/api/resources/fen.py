"""/v1/fen: the trace of a single fen, from the central fund to its current account."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from service.api import response_types
from service.api.http.operation import operation
from service.api.http.parameters import MAX_INTEGER, MIN_POSITION
from service.api.http.problems import Problem
from service.api.http.responses import answer
from service.api.http.visibility import absent, must_find, tables
from service.postgres.session import Row
from service.postgres.snapshots import Snapshot

bp = Blueprint("fen", __name__, url_prefix="/v1/fen")


@bp.get("/<int:serial>")
@operation("Trace a single fen, by its serial number", "单分溯源", response_types.FenTrace, min_position=MIN_POSITION)
def trace(serial: int, *, min_position: int | None) -> Response:
    if serial > MAX_INTEGER:
        raise Problem("not-found", serial=str(serial))
    with tables(min_position) as snapshot:
        moves = snapshot.rows("fen_moves", serial=serial)
        if not moves:
            raise absent(snapshot)
        must_find(moves[0]["fund"], moves[-1]["project"])
        return answer(
            {
                "serial": serial,
                "fund": moves[0]["fund"],
                "as_of": {"position": snapshot.position},
                "stands": _current_place(moves[-1]),
                "plan_line": snapshot.one("plan_line", **{key: moves[-1][key] for key in ("fund", "project", "batch")}),
                "steps": steps(snapshot, moves),
            }
        )


def _current_place(move: Row) -> dict[str, Any]:
    place = {part: move[part] for part in ("project", "batch", "award", "payment")}
    return {
        "account": move["to"],
        **{part: value for part, value in place.items() if value is not None},
        "since": move["position"],
    }


def steps(snapshot: Snapshot, moves: list[Row]) -> list[dict[str, Any]]:
    """The events that the fen's path rests on, in the order of the log.

    An event that moved the fen also has the accounts, the place and the amount of that movement.
    """
    moved = {move["position"]: move for move in moves}
    rows = snapshot.rows(
        "fen_steps",
        fund=moves[0]["fund"],
        moved=list(moved),
        projects=[move["project"] for move in moves],
        awards=[move["award"] for move in moves],
        payments=[move["payment"] for move in moves],
    )
    parts = ("from", "to", "amount", "project", "batch", "award", "payment")
    return [
        {
            **row,
            **{part: moved[row["position"]][part] for part in parts if row["position"] in moved},
        }
        for row in rows
    ]
