"""/v1/funds/{fund}/journal.hledger and journal.beancount: the books for other programs, which check their sums."""

from __future__ import annotations

from flask import Blueprint, Response

from service.api.http.operation import operation
from service.api.http.parameters import MIN_POSITION
from service.api.http.problems import Problem
from service.api.http.request_context import reader
from service.api.http.visibility import must_read
from service.export.journal import DIALECTS, journal

bp = Blueprint("journals", __name__, url_prefix="/v1/funds")


@bp.get("/<code:fund>/journal.hledger")
@operation("The fund's books as an hledger journal", "账簿（hledger 格式）", None, min_position=MIN_POSITION)
def hledger(fund: str, *, min_position: int | None) -> Response:
    return _journal("hledger", fund, min_position)


@bp.get("/<code:fund>/journal.beancount")
@operation("The fund's books as a beancount journal", "账簿（beancount 格式）", None, min_position=MIN_POSITION)
def beancount(fund: str, *, min_position: int | None) -> Response:
    return _journal("beancount", fund, min_position)


PARTS = {"moves": "journal", "months": "journal_months", "now": "journal_now"}


def _journal(form: str, fund: str, min_position: int | None) -> Response:
    must_read(fund)
    with reader().at(min_position or 0) as snapshot:
        known = snapshot.one("funds", fund=fund)
        if known is None:
            raise Problem("not-found", fund=fund)
        told = {name: snapshot.rows(query, fund=fund) for name, query in PARTS.items()}
        position = snapshot.position
    text = "".join(journal(DIALECTS[form], fund, known["name"], **told))
    headers = {"Event-Position": str(position), "Content-Disposition": f'attachment; filename="{fund}.{form}"'}
    return Response(text, 200, headers, content_type="text/plain; charset=utf-8")
