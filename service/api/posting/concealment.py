"""Refusals without what they tell about other funds and projects than those of the principal's key.

A sender's document numbers and the codes of projects are used only once, so a refusal may tell that one is used. It
does not tell where, and names no other fund or project.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from domain.event import Posted
from domain.project.lifecycle import ProjectOpened
from domain.rules.every_post import UnknownEntry, UnknownStream
from domain.rules.project import ProjectExists
from service.api.http.held_funds import has_project
from service.api.http.problems import kebab, refusal_problem
from service.api.http.request_context import reader
from service.api.http.visibility import can_read, is_within_limits
from service.postgres.session import Row

Problem = Mapping[str, Any]
Facts = Mapping[str, Any]


def of_post(problem: Problem, posted: Posted) -> Problem:
    """The problem document of a post that was not recorded, as the principal may see it."""
    if isinstance(posted.fact, ProjectOpened):
        return _of_opening(problem, posted.stream, posted.fact.fund)
    return _concealed(problem, is_within_limits)


def of_row(row: Row, *, own: bool = False) -> Row:
    """A row of the table `refusal`, as the principal may see it. `own`: the principal sent the refused post."""
    problem = _concealed(row, is_within_limits if own else can_read)
    if problem is row:
        return row
    shown = {name: problem[name] for name in ("rule", "title", "title_zh", "facts")}
    return {**row, **shown, "problem": kebab(problem["rule"])}


def _concealed(problem: Problem, may_see: Callable[[str], bool]) -> Problem:
    """The `problem` itself, or another one in its place if it names a stream that the principal may not see."""
    named, conceal = BY_RULE.get(problem.get("rule") or "", (None, None))
    if named is None or conceal is None:
        return problem
    stream = named(problem["facts"])
    return problem if stream is None or may_see(stream) else {**problem, **conceal(problem["facts"])}


def _document_used(facts: Facts) -> Problem:
    kind, number = facts["kind"], facts["number"]
    return {
        "title": f"The {kind} {number} is already used in another fund or project.",
        "title_zh": f"{kind} {number} 已在其他专项资金或项目中使用。",
        "facts": {"kind": kind, "number": number},
    }


def _unknown_project(facts: Facts) -> Problem:
    return refusal_problem(UnknownStream(stream=f"project/{facts['project']}"))


def _unknown_entry(facts: Facts) -> Problem:
    return refusal_problem(UnknownEntry(stream=facts["stream"], version=facts["version"]))


BY_RULE: dict[str, tuple[Callable[[Facts], str | None], Callable[[Facts], Problem]]] = {
    "DocumentAlreadyUsed": (lambda facts: facts.get("stream"), _document_used),
    "ProjectOfOtherFund": (lambda facts: f"project/{facts['project']}", _unknown_project),
    "NotCash": (lambda facts: facts["stream"], _unknown_entry),
}
"""The rules whose facts may name a stream of another fund or project.

For each, the stream that the facts name, and the members of the problem that is shown if the principal may not see it.
"""


def _of_opening(problem: Problem, stream: str, fund: str) -> Problem:
    """The problem document of a refused ProjectOpened, whose fund the sender chooses.

    A sender who is limited to the project learns nothing of a fund that does not have it. A sender who is limited to
    the fund learns that the project exists elsewhere, and not its version.
    """
    if "rule" in problem and not is_within_limits(f"fund/{fund}") and not _has_project(fund, stream):
        return refusal_problem(UnknownStream(stream=f"fund/{fund}"))
    if "actual" in problem and not is_within_limits(stream):
        return refusal_problem(ProjectExists(project=stream.partition("/")[2]))
    return problem


def _has_project(fund: str, stream: str) -> bool:
    with reader().at() as snapshot:
        return has_project(snapshot, fund, stream.partition("/")[2])
