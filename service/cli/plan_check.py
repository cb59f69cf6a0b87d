"""Checks a whole plan in memory: the schemas of its events, their number, and the rules on an empty ledger."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from marshmallow import ValidationError
from msgspec.structs import replace

from domain.decision import TITLES, decide
from domain.documents import Document
from domain.event import Posted
from domain.ledger_view import LedgerView
from domain.replay import advance
from domain.rules import Refused
from domain.rules.every_post import BeforeItsCause, BookedInFuture, MissingCitation
from service.api.http.problems import invalid_problem
from service.api.posting import cloudevents
from service.app import empty_view
from service.ledger.group_commit import MAX_QUEUED_POSTS
from service.ledger.outcomes import Post
from service.plans import plan_file
from service.plans.plan_consistency import related
from service.plans.plan_file import PlanEvent, PlanFile
from service.plans.plan_location import path_of_error, path_of_refusal
from service.yaml_file.document import FileWrong
from service.yaml_file.kinds import Wrong

KEY = "load-plan"
"""The name that is recorded in the events of a plan in place of an API key's name."""


def checked(file: PlanFile, actor: str) -> list[PlanEvent]:
    """The events of the plan, after a check that an empty ledger accepts them. Raises FileWrong with the errors found.

    The rules are checked only if no field is wrong, the schemas find no error, and the events are not too many.
    """
    events = list(plan_file.events(file, actor))
    wrong = [*file.wrong, *_too_many(file, len(events)), *_invalid(file, events)]
    wrong = wrong or list(_refused(file, events))
    if wrong:
        raise FileWrong(file.path, wrong)
    return events


def post_of(event: PlanEvent, secret: bytes = b"") -> Post:
    """The post of a plan event. Raises ValidationError.

    `secret`: the key of the digests that replace account numbers.
    """
    return cloudevents.parse_post(cloudevents.parse_envelope(event.event), KEY, secret)


def _too_many(file: PlanFile, count: int) -> Iterator[Wrong]:
    if count > MAX_QUEUED_POSTS:
        zh = f"计划产生 {count} 个事件，一次最多载入 {MAX_QUEUED_POSTS} 个：请减少项目或批次，或分设几项资金"
        en = f"the plan makes {count} events, and at most {MAX_QUEUED_POSTS} are loaded: split it into several funds"
        yield file.at("plan.projects", zh, en)


def _invalid(file: PlanFile, events: Sequence[PlanEvent]) -> Iterator[Wrong]:
    """The errors that the schemas find in the events' `data`, without those that would repeat another error.

    A field that has an error in `file.wrong` is left out. So is the gate in a project's line, because it is copied from
    the plan's batch. An event's attributes other than `data` are not checked, because they are made from codes that
    `data` also has.
    """
    for event in events:
        try:
            cloudevents.parse_post(event.event, KEY, b"")
        except ValidationError as error:
            for each in invalid_problem(error)["errors"]:
                path = path_of_error(event, each["pointer"], file.plan)
                if not each["pointer"].endswith("/gate") and not any(related(path, w.path) for w in file.wrong):
                    yield file.at(path, *_languages(each["detail"]))


ENGLISH_FIRST = re.compile(r"([^\u4e00-\u9fff]*\.) (.+)", re.DOTALL)
"""Matches an error message of the event schemas: an English sentence, then a Chinese one."""


def _languages(detail: str) -> tuple[str, str]:
    """The Chinese and the English part of an error message of the event schemas."""
    both = ENGLISH_FIRST.fullmatch(detail)
    return (both[2], both[1]) if both else (detail, "")


def _refused(file: PlanFile, events: Sequence[PlanEvent]) -> Iterator[Wrong]:
    """The refusals of `events`, as errors in the plan file.

    Each event is decided on the ledger that results from the events before it. An event that is refused by a rule that
    is not in FIXES is left out of that ledger. From then on, only refusals by the rules in FIXES are reported: any
    other may be a consequence of the event that was left out.
    """
    view, complete = empty_view(), True
    for event in events:
        view, refusals = _decided(view, post_of(event).posted)
        for refusal in refusals:
            if complete or type(refusal) in FIXES:
                yield refused(file, event, refusal)
        complete = complete and all(type(refusal) in FIXES for refusal in refusals)


def _decided(view: LedgerView, posted: Posted) -> tuple[LedgerView, list[Refused]]:
    """Decide the post `posted` on `view`; return the view after the post, and the refusals of the post.

    If a rule in FIXES refuses the post, the post is changed as FIXES says and decided again, to find its next error. If
    a rule that is not in FIXES refuses the post, `view` is returned unchanged.
    """
    refusals: list[Refused] = []
    while True:
        try:
            return advance(view, decide(view, posted)), refusals
        except Refused as refusal:
            refusals.append(refusal)
            fix = FIXES.get(type(refusal))
            if fix is None:
                return view, refusals
            posted = fix(posted, refusal)


def refused(file: PlanFile, event: PlanEvent, refusal: Refused) -> Wrong:
    """The refusal of an event as an error in the plan file, with the line of the field that caused it."""
    return file.at(path_of_refusal(event, refusal, file.plan), refusal.chinese(TITLES), str(refusal))


def _with_document(posted: Posted, refusal: MissingCitation) -> Posted:
    missing = Document(refusal.kinds.partition(" / ")[0], "?")
    return replace(posted, header=replace(posted.header, documents=(*posted.header.documents, missing)))


def _not_in_future(posted: Posted, refusal: BookedInFuture) -> Posted:
    return replace(posted, header=replace(posted.header, occurred_on=refusal.today))


def _after_its_cause(posted: Posted, refusal: BeforeItsCause) -> Posted:
    return replace(posted, header=replace(posted.header, occurred_on=refusal.cause_on))


FIXES: Mapping[type[Refused], Callable[[Posted, Any], Posted]] = {
    MissingCitation: _with_document,
    BookedInFuture: _not_in_future,
    BeforeItsCause: _after_its_cause,
}
"""Maps rules to functions. Each returns the refused post without the error that the rule refuses. None of these errors
depends on earlier events."""
