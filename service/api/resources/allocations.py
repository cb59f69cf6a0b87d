"""/v1/projects/{project}/allocations: a fixed total shared out by score. A calculation: it records nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, request
from marshmallow import ValidationError

from domain.allocation import METHOD, METHOD_ZH
from domain.money import Money
from domain.posting import LINE
from domain.project.eligibility import BatchAmount, by_score
from domain.rules.award import NobodyListed
from domain.rules.every_post import BalanceTooSmall
from domain.state.entities import no_name_twice
from domain.state.fund import Line
from domain.state.project import Project
from service.api import response_types
from service.api.http import strict_json
from service.api.http.limits import BINARY
from service.api.http.operation import operation
from service.api.http.problems import Problem
from service.api.http.responses import answer
from service.api.posting.event_schemas.project.award import BatchAmountShape
from service.api.posting.fields import Amount, Name, One, Rows, Shape
from service.api.resources.why import as_of, books_of, heads, look_up

bp = Blueprint("allocations", __name__, url_prefix="/v1/projects")


class AllocationShape(Shape):
    """What is to be shared out: if left out, among all that stand and were noticed, all that the line holds."""

    makes = dict
    applications = Rows(Name(), most=10_000)
    amounts = Rows(One(BatchAmountShape), most=20)
    quantum = Amount()


ASKED = AllocationShape()


@bp.post("/<code:project>/allocations")
@operation("Share a fixed total out by score", "按得分分配测算", response_types.Allocation, asks=ASKED)
def allocate(project: str) -> Response:
    if request.mimetype != BINARY:
        raise Problem("wrong-media-type", {"Accept-Post": BINARY})
    body = strict_json.parse(request.get_data())
    if not isinstance(body, dict):
        raise ValidationError(["It must be an object. 须为对象。"])
    asked: dict[str, Any] = ASKED.load(body)
    books = books_of(project)
    found = books.project(project)
    scores = _scores(found, asked.get("applications"))
    batches = _asked(books.fund(found.fund).line(project), asked.get("amounts", ())) or _in_line(found)
    quantum = asked.get("quantum") or books.fund(found.fund).settings.quantum
    shares = by_score(found, scores, batches, quantum)
    review = found.current_round().review
    assert review is not None, "what is scored was reviewed"
    return answer(
        {
            "project": project,
            "as_of": as_of(look_up(heads(books, f"project/{project}", f"fund/{found.fund}"))),
            "method": METHOD,
            "method_zh": METHOD_ZH,
            "quantum": str(Money(quantum)),
            "review": review.version,
            "total": str(Money(sum(batches.values()))),
            "batches": _amounts(batches),
            "rows": _rows(scores, shares),
        }
    )


def _scores(project: Project, names: Sequence[str] | None) -> dict[str, Decimal]:
    """The scores of those asked for, or of all that stand and were noticed. Raises NotStanding, NobodyListed."""
    current = project.current_round()
    listed = current.notice.applications if current.notice else current.scores
    no_name_twice("application", names or ())
    chosen = names or [name for name in listed if project.standing(name)]
    for name in chosen:
        project.application(name)
        project.must_stand(name)
    if not chosen:
        raise NobodyListed
    return {name: current.scores[name] for name in chosen}


def _asked(line: Line, amounts: Iterable[BatchAmount]) -> dict[int, Money]:
    """What is asked to be shared out of each batch. Raises NameTaken, BatchNotInPlan."""
    shares = tuple(amounts)
    no_name_twice("batch", (each.batch for each in shares))
    return {line.batch(each.batch).batch: each.amount for each in shares}


def _in_line(project: Project) -> dict[int, Money]:
    """What the project's line holds, by batch. Raises BalanceTooSmall if it holds nothing."""
    held = {
        at.place.batch or 0: Money(fen.total) for at, fen in project.accounts.holdings.items() if at.account == LINE
    }
    if not held:
        raise BalanceTooSmall(account=LINE, place=project.code, available=Money(0), amount=Money(1))
    return held


def _amounts(batches: Mapping[int, int]) -> list[dict[str, Any]]:
    return [{"batch": batch, "amount": str(Money(amount))} for batch, amount in sorted(batches.items()) if amount]


def _rows(scores: Mapping[str, Decimal], shares: Mapping[str, Mapping[int, Money]]) -> list[dict[str, Any]]:
    """Best score first; of equals, the earlier in turn."""
    in_order = {name: place for place, name in enumerate(shares)}
    order = sorted(scores, key=lambda name: (-scores[name], in_order[name]))
    return [
        {
            "application": name,
            "score": str(scores[name]),
            "rank": rank,
            "total": str(Money(sum(shares[name].values()))),
            "amounts": _amounts(shares[name]),
        }
        for rank, name in enumerate(order, 1)
    ]
