"""/v1/projects/{project}/allocations: calculates how a fixed total is allocated by score. It records nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, request
from marshmallow import ValidationError

from domain.allocation import METHOD, METHOD_ZH
from domain.money import Money
from domain.posting import LINE
from domain.project.call import no_list
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
from service.api.posting.fields import Amount, Name
from service.api.posting.shapes import One, Rows, Shape
from service.api.resources.why import heads, last_position, look_up, view_of

bp = Blueprint("allocations", __name__, url_prefix="/v1/projects")


class AllocationShape(Shape):
    """The request body of an allocation.

    `applications`: the names of the applications to allocate money to. The default is all eligible applications in the
    public notice, or in the review if there is no notice. `amounts`: the amount to allocate in each batch. The default
    is the project's balance in the account `line`. `quantum`: shares are rounded to multiples of this amount. The
    default is the fund's setting.
    """

    makes = dict
    applications = Rows(Name(), max_items=10_000)
    amounts = Rows(One(BatchAmountShape), max_items=20)
    quantum = Amount()


REQUEST_BODY = AllocationShape()


@bp.post("/<code:project>/allocations")
@operation("Calculate an allocation by score", "按得分分配测算", response_types.Allocation, request=REQUEST_BODY)
def allocate(project: str) -> Response:
    if request.mimetype != BINARY:
        raise Problem("wrong-media-type", {"Accept-Post": BINARY})
    body = strict_json.parse(request.get_data())
    if not isinstance(body, dict):
        raise ValidationError(["It must be an object. 须为对象。"])
    params: dict[str, Any] = REQUEST_BODY.load(body)
    view = view_of(project)
    state = view.project(project)
    scores = _scores(state, params.get("applications"))
    batches = _requested(view.fund(state.fund).line(project), params.get("amounts", ())) or _in_line(state)
    quantum = params.get("quantum") or view.fund(state.fund).settings.quantum
    shares = by_score(state, scores, batches, quantum)
    review = state.current_round().review
    assert review is not None, "scores exist only after a review"
    places = look_up(heads(view, f"project/{project}", f"fund/{state.fund}"))
    return answer(
        {
            "project": project,
            "as_of": {"position": last_position(places)},
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
    """The review scores, by the name of the application. `names`: the applications that the request names.

    If `names` is None or empty, the result has all eligible applications in the public notice, or in the review if
    there is no notice.

    Raises NameTaken if a name is given twice, UnknownName if there is no such application, NotStanding if the
    application is not eligible, NobodyListed if no application is left, and SelectionMismatch in the round of a list.
    """
    current = project.current_round()
    no_list(project, current)
    listed = current.notice.applications if current.notice else current.scores
    no_name_twice("application", names or ())
    chosen = names or [name for name in listed if project.eligible(name)]
    for name in chosen:
        project.application(name)
        project.must_be_eligible(name)
    if not chosen:
        raise NobodyListed
    return {name: current.scores[name] for name in chosen}


def _requested(line: Line, amounts: Iterable[BatchAmount]) -> dict[int, Money]:
    """The amounts that the request states, by batch number.

    Raises NameTaken if a batch is stated twice, BatchNotInPlan if the project's line of the plan lacks the batch.
    """
    shares = tuple(amounts)
    no_name_twice("batch", (each.batch for each in shares))
    return {line.batch(each.batch).batch: each.amount for each in shares}


def _in_line(project: Project) -> dict[int, Money]:
    """The project's money that is not yet awarded (the account `line`), by batch number.

    Raises BalanceTooSmall if the project has no such money.
    """
    held = {
        at.place.batch or 0: Money(fen.total) for at, fen in project.accounts.holdings.items() if at.account == LINE
    }
    if not held:
        raise BalanceTooSmall(account=LINE, place=project.code, available=Money(0), amount=Money(1))
    return held


def _amounts(batches: Mapping[int, int]) -> list[dict[str, Any]]:
    return [{"batch": batch, "amount": str(Money(amount))} for batch, amount in sorted(batches.items()) if amount]


def _rows(scores: Mapping[str, Decimal], shares: Mapping[str, Mapping[int, Money]]) -> list[dict[str, Any]]:
    """The rows of the response, best score first. Applications with equal scores are in the order of `shares`."""
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
