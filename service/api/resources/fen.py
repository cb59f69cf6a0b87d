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
from service.api.http.visibility import may_read, project_of
from service.postgres.session import Row
from service.postgres.snapshots import Snapshot

bp = Blueprint("fen", __name__, url_prefix="/v1/fen")

BASIS = ("FundEstablished", "PlanDrafted", "PlanAdopted", "PlanRevised", "AppropriationReceived")
"""The events of a fund's stream that all money of the fund is based on. A principal that may read one of its projects
sees them in the project's traces."""
WITHHELD = {"stream": "", "version": 0, "actor": "", "documents": (), "payee": None, "withheld": True}
"""What a step shows of an event that the principal may not read, besides its position, type and days. The contract
requires these members, so they are empty and not left out."""


@bp.get("/<int:serial>")
@operation("Trace a single fen, by its serial number", "单分溯源", response_types.FenTrace, min_position=MIN_POSITION)
def trace(serial: int, *, min_position: int | None) -> Response:
    if serial > MAX_INTEGER:
        raise Problem("not-found", serial=str(serial))
    with tables(min_position) as snapshot:
        moves = snapshot.rows("fen_moves", serial=serial)
        if not moves or not may_read(moves[-1]["fund"], moves[-1]["project"]):
            raise absent(snapshot)
        fund = moves[0]["fund"]
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
    amount of the move, the two accounts, and the fields of the accounts' keys, such as the project and the batch. Of
    an event that the principal may not read, the step has only the position, the type, the days and the amount.
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
    return [_step(row, moved.get(row["position"]), moves[0]["fund"]) for row in rows]


def _step(event: Row, move: Row | None, fund: str) -> dict[str, Any]:
    """One step of a trace. `move`: the last move of the fen that the event made; None if it made none."""
    if not _is_readable(event, move, fund):
        return {**event, **WITHHELD, **({"amount": move["amount"]} if move else {})}
    return {**event, **(_movement(move) if move else {})}


def _is_readable(event: Row, move: Row | None, fund: str) -> bool:
    """Whether the principal may read this event of the fund, in a trace that it may read.

    A principal who may read only projects reads their streams. Of the fund's stream it reads the events in BASIS, and
    those that moved the fen into or out of one of these projects: the project's own stream has the mirrors of these.
    """
    project = project_of(event["stream"])
    if project is None:
        if event["type"] in BASIS:
            return True
        project = move["project"] if move else None
    return may_read(fund, project)


def _movement(move: Row) -> dict[str, Any]:
    accounts = {part: move[part] for part in ("from", "to")}
    return {**accounts, "amount": move["amount"], **_place(move, *accounts.values())}
