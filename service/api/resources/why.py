"""/v1/projects/{project}/why: which conditions for paying a batch are met, and by which events and documents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from flask import Blueprint, Response

from domain.event import Reference
from domain.ledger_view import LedgerView
from domain.why import Answer, Condition, Step, why
from service.api import response_types
from service.api.http.operation import operation
from service.api.http.parameters import AWARD, whole
from service.api.http.problems import Problem, refusal_problem
from service.api.http.request_context import ledger, reader
from service.api.http.responses import answer
from service.api.http.visibility import fund_of, may_read
from service.api.posting.event_schemas import SCHEMAS
from service.postgres.snapshots import Snapshot

bp = Blueprint("why", __name__, url_prefix="/v1/projects")

Places = dict[tuple[str, int], dict[str, Any]]
"""Where events are in the log: by stream and version of an event, its log position, type, dates and cited documents."""

ABOUT_AWARD = (
    "Name of the award; if left out, the planned amount that is not awarded yet",
    "该立项；不填则为计划中尚未立项的部分",
)


@bp.get("/<code:project>/why")
@operation(
    "Explain why a batch is not paid: each condition, and the events that meet it",
    "为何未拨付：逐项条件及其依据",
    response_types.Why,
    batch=whole("Batch number", "批次", 1, 99)._replace(required=True),
    award=AWARD._replace(about=ABOUT_AWARD),
)
def why_not(project: str, *, batch: int, award: str | None) -> Response:
    """Explain why a batch is not paid. If `award` is None, the answer is about the planned amount not awarded yet."""
    stream = f"project/{project}"
    view = view_of(project)
    fund = view.project(project).fund
    found = why(view, project, batch, award)
    places = look_up({*_references(found), *heads(view, stream, f"fund/{fund}")})
    return answer(
        {
            "project": project,
            "fund": fund,
            "batch": batch,
            "award": award,
            "as_of": {"position": last_position(places)},
            "says": found.says.en,
            "says_zh": found.says.zh,
            "accounts": {name: str(amount) for name, amount in found.accounts.items()},
            "steps": [_step(step, places) for step in found.steps],
        }
    )


def view_of(project: str) -> LedgerView:
    """The ledger view of a project.

    Raises Problem `not-found` if the project does not exist, or if the principal may not read it. Whether it may is
    asked of the log first: a stream that it may not read is not read.
    """
    stream = f"project/{project}"
    fund = fund_of(stream)
    if fund is None or not may_read(fund, project):
        raise Problem("not-found", project=project)
    return ledger().view(stream)


def _references(found: Answer) -> set[Reference]:
    return {each for step in found.steps for condition in step.conditions for each in condition.by}


def heads(view: LedgerView, *streams: str) -> list[Reference]:
    """References to the last event of each of these streams, as an argument for look_up()."""
    return [Reference(name, view.stream(name).version) for name in streams]


def look_up(references: Iterable[Reference]) -> Places:
    """Look up these events in the log: the position, type, dates and cited documents of each."""
    with reader().at() as snapshot:
        return look_up_in(snapshot, references)


def look_up_in(snapshot: Snapshot, references: Iterable[Reference]) -> Places:
    """As look_up(), in a snapshot that is open."""
    wanted = list(references)
    rows = snapshot.rows("places", streams=[each.stream for each in wanted], versions=[each.version for each in wanted])
    return {(row["stream"], row["version"]): row for row in rows}


def last_position(places: Places) -> int:
    """The highest log position of the events in `places`.

    It is the `as_of` of an answer that is based on these events.
    """
    positions: Iterable[int] = (place["position"] for place in places.values())
    return max(positions)


def _step(step: Step, places: Places) -> dict[str, Any]:
    fact = step.fact
    return {
        "event": type(fact).__name__,
        "event_zh": fact.zh,
        "subject": step.stream,
        "scope": SCHEMAS[type(fact).__name__].scope,
        "may_be_posted": step.may,
        "cites": [list(choice) for choice in fact.cites],
        "about": _about(step),
        "conditions": [_condition(each, places) for each in step.conditions],
    }


ABOUT = (
    "project", "round", "application", "objection", "award", "batch", "amount", "payment", "level", "review", "notice",
)  # fmt: skip
"""The fields of a next step's event for which the answer proposes values, in the step's member `about`. A field without
a value is left out. The client supplies the event's other fields."""
DAYS = ("first_day", "last_day")
"""The fields for the first and last day of a public notice. The member `about` has them only if the next step may be
posted today. The notice then begins today and is as short as the settings allow."""


def _about(step: Step) -> dict[str, Any]:
    fact, names = step.fact, (*ABOUT, *DAYS) if step.may else ABOUT
    values = {name: getattr(fact, name) for name in fact.__struct_fields__ if name in names}
    return {
        name: msgspec.to_builtins(value, enc_hook=str) for name, value in values.items() if value not in ("?", None, 0)
    }


def _condition(condition: Condition, places: Places) -> dict[str, Any]:
    guard = condition.guard
    return {
        "requires": guard.en,
        "requires_zh": guard.zh,
        "rules": [rule.__name__ for rule in guard.rules],
        "met": condition.missing is None,
        "by": [places[each.stream, each.version] for each in condition.by],
        "missing": _missing(condition),
    }


def _missing(condition: Condition) -> dict[str, Any] | None:
    if condition.missing is None:
        return None
    problem = refusal_problem(condition.missing)
    return {name: problem[name] for name in ("rule", "title", "title_zh", "remedy", "remedy_zh", "facts")}
