"""/v1/funds/{fund}/journal.hledger and journal.beancount: exports for accounting programs that verify the sums."""

from __future__ import annotations

from flask import Blueprint, Response

from service.api.http.held_funds import tables
from service.api.http.operation import operation
from service.api.http.parameters import MIN_POSITION
from service.api.http.problems import Problem
from service.api.http.visibility import must_read
from service.api.http.work import EXPENSIVE
from service.export.journal import DIALECTS, journal

bp = Blueprint("journals", __name__, url_prefix="/v1/funds")


@bp.get("/<code:fund>/journal.hledger")
@operation(
    "Export a fund's ledger as an hledger journal",
    "账簿（hledger 格式）",
    None,
    work=EXPENSIVE,
    min_position=MIN_POSITION,
)
def hledger(fund: str, *, min_position: int | None) -> Response:
    return _journal("hledger", fund, min_position)


@bp.get("/<code:fund>/journal.beancount")
@operation(
    "Export a fund's ledger as a beancount journal",
    "账簿（beancount 格式）",
    None,
    work=EXPENSIVE,
    min_position=MIN_POSITION,
)
def beancount(fund: str, *, min_position: int | None) -> Response:
    return _journal("beancount", fund, min_position)


PARTS = {"moves": "journal", "months": "journal_months", "now": "journal_now"}
"""Maps each parameter of journal() to the name of the SQL query that reads its rows."""


def _journal(form: str, fund: str, min_position: int | None) -> Response:
    must_read(fund)
    with tables(min_position, fund) as snapshot:
        row = snapshot.one("funds", fund=fund)
        if row is None:
            raise Problem("not-found", fund=fund)
        parts = {name: snapshot.rows(query, fund=fund) for name, query in PARTS.items()}
        position = snapshot.position
    text = "".join(journal(DIALECTS[form], fund, row["name"], **parts))
    headers = {"Event-Position": str(position), "Content-Disposition": f'attachment; filename="{fund}.{form}"'}
    return Response(text, 200, headers, content_type="text/plain; charset=utf-8")
