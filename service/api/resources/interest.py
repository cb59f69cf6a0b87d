"""/v1/funds/{fund}/interest: interest 孳息, which is not the fund's money, and its surrender."""

from __future__ import annotations

from flask import Blueprint, Response

from domain.money import Money
from service.api import response_types
from service.api.http.held_funds import as_of, existing_fund, tables
from service.api.http.operation import operation
from service.api.http.parameters import MIN_POSITION
from service.api.http.responses import answer
from service.api.http.visibility import must_read

bp = Blueprint("interest", __name__, url_prefix="/v1/funds")


@bp.get("/<code:fund>/interest")
@operation(
    "The interest of a fund: received, surrendered, and still held",
    "孳息及其上缴",
    response_types.Interest,
    min_position=MIN_POSITION,
)
def interest(fund: str, *, min_position: int | None) -> Response:
    must_read(fund, None)
    with tables(min_position, fund) as snapshot:
        existing_fund(snapshot, fund)
        rows = snapshot.rows("interest", fund=fund)
        received, surrendered = (sum(row[name] for row in rows) for name in ("received", "surrendered"))
        movements = [{**row, **{name: str(Money(row[name])) for name in ("received", "surrendered")}} for row in rows]
        return answer(
            {
                "as_of": as_of(snapshot, fund, None),
                "received": str(Money(received)),
                "surrendered": str(Money(surrendered)),
                "held": str(Money(received - surrendered)),
                "movements": movements,
            }
        )
