"""/v1/fen: the trace of a single fen, from its issue out of the account `treasury` to its current account."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from domain.posting import key_of
from service.api import response_types
from service.api.http.held_funds import absent, must_not_be_held, tables
from service.api.http.operation import operation
from service.api.http.parameters import MAX_INTEGER, MIN_POSITION
from service.api.http.problems import Problem
from service.api.http.responses import answer
from service.api.http.visibility import must_find
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
        fund = moves[0]["fund"]
        must_find(fund, moves[-1]["project"])
        must_not_be_held(snapshot, fund)
        stands = {"account": moves[-1]["to"], **_place(moves[-1], moves[-1]["to"]), "since": moves[-1]["position"]}
        return answer(
            {
                "serial": serial,
                "serial_text": str(serial),
                "fund": fund,
                "as_of": {"position": snapshot.position},
                "stands": stands,
                "plan_line": snapshot.one(
                    "plan_line", fund=fund, project=stands.get("project"), batch=stands.get("batch")
                ),
                "steps": steps(snapshot, moves),
            }
        )


def _place(move: Row, *accounts: str) -> dict[str, Any]:
    """The fields of `move` that belong to the key of at least one of `accounts`, such as the project and the batch."""
    return {part: move[part] for part in key_of(*accounts)}


def steps(snapshot: Snapshot, moves: list[Row]) -> list[dict[str, Any]]:
    """The events that made `moves`, and the events that justify them, in the order of the log.

    An award, for example, is justified by its review and its public notice. Each event that made a move also has the
    amount of the move, the two accounts, and the fields of the accounts' keys, such as the project and the batch.
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
    return [{**row, **(_movement(moved[row["position"]]) if row["position"] in moved else {})} for row in rows]


def _movement(move: Row) -> dict[str, Any]:
    accounts = {part: move[part] for part in ("from", "to")}
    return {**accounts, "amount": move["amount"], **_place(move, *accounts.values())}
