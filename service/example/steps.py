"""The example's projects, and EventPoster, which numbers the events and posts steps in the order of their days."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from domain.money import Money
from domain.state.fund import Gate
from service.example import key_of
from service.example.recipients import Recipient

Post = Callable[[Mapping[str, Any]], int]
"""A function that posts a CloudEvent, and returns the version of the event's stream after the event."""

ACTORS = {
    "fund-office": "示例·资金科赵某",
    "call-desk": "示例·受理处钱某",
    "award-board": "示例·局党组办孙某",
    "acceptance-panel": "示例·验收组冯某",
    "treasury": "示例·经办人周某",
    "approver": "示例·审批人吴某",
    "final-approver": "示例·分管领导许某",
    "corrections": "示例·会计主管郑某",
    "inspection": "示例·检查组秦某",
}
"""The people who use the demo keys, by the name of the key."""


def source_of(fund: str) -> str:
    """The source of the events of the invented history of the fund with the code `fund`."""
    return f"/suyuan/example/{fund}"


def days(count: int) -> timedelta:
    return timedelta(days=count)


@dataclass
class Project:
    """A line of the drafted plan and its invented applicants.

    The award list refers to two events of the project's stream: `review` and `notice` are the versions of the
    ReviewConcluded and the NoticeStarted event. `quantum` is the smallest unit of allocation, in fen.
    """

    line: Mapping[str, Any]
    fund: str
    applicants: list[Recipient] = field(default_factory=list)
    awarded: list[Recipient] = field(default_factory=list)
    review: int = 0
    notice: int = 0
    quantum: int = 1

    @property
    def code(self) -> str:
        return str(self.line["project"])

    @property
    def stream(self) -> str:
        return f"project/{self.code}"

    def amounts(self) -> dict[int, int]:
        """The line's amounts in fen by batch."""
        return {b["batch"]: Money.parse(b["amount"]) for b in self.line["batches"]}

    def batches_behind(self, *gates: Gate) -> list[int]:
        """The numbers of the line's batches whose gate is one of `gates`."""
        return [b["batch"] for b in self.line["batches"] if b["gate"] in gates]

    def next_best(self) -> Recipient | None:
        """The best applicant that passed the screening, is not `out` and has no award; None if none is left."""
        *passed, _ = self.applicants
        return next((each for each in passed if each not in self.awarded and not each.out), None)


class Step(NamedTuple):
    """A post to make. Steps are posted in the order of their days.

    For an EntryReversed, `data` names the payment whose confirmation is reversed. The version of the confirmation is
    known only when the step is posted; then this version replaces the payment in `data`.
    """

    day: date
    stream: str
    type: str
    cites: tuple[str, ...]
    data: dict[str, Any]


class EventPoster:
    """Posts the example's events, numbered from 1. The number is part of the event's id and document numbers.

    `series`: the beginning of the document numbers. Each example has its own, so that no number is used by two.
    """

    def __init__(self, post: Post, source: str, series: str = "示例") -> None:
        self._post, self._source, self._series = post, source, series
        self._posted = 0
        self._confirmed: dict[str, int] = {}
        self._spent: list[tuple[date, int]] = []

    def post(self, stream: str, type_: str, on: date, *cites: str, **data: Any) -> int:
        """Post one event of type `type_` that happened on the day `on`; return the new version of `stream`.

        `cites`: the kinds of documents that the event cites. `data`: the fields that depend on the event's type.
        """
        self._posted += 1
        number = f"{self._series}〔{on.year}〕{self._posted}号"
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": f"life-{self._posted:05d}",
            "source": self._source,
            "type": type_,
            "subject": stream,
            "data": {
                "occurred_on": on.isoformat(),
                "documents": [{"kind": kind, "number": number} for kind in cites],
                **data,
            },
        }
        event["data"]["actor"] = ACTORS[key_of(event)]
        return self._post(event)

    def post_in_order(self, steps: Iterable[Step]) -> None:
        """Post the steps in the order of their days. The steps may belong to many payments or acceptances."""
        for step in sorted(steps, key=lambda step: step.day):
            data = step.data
            if step.type == "EntryReversed":
                data = {"version": self._confirmed[data["payment"]], "reason": data["reason"]}
            version = self.post(step.stream, step.type, step.day, *step.cites, **data)
            if step.type == "PaymentConfirmed":
                self._confirmed[data["payment"]] = version
            if step.type in SPENDING_SIGNS:
                amount = Money.parse(step.data["amount"])
                self._spent.append((step.day, SPENDING_SIGNS[step.type] * amount))

    def spent(self, year: int) -> int:
        """The amount in fen that was spent by the end of `year`, according to the events posted so far.

        Events of the types in SPENDING_SIGNS add to this amount or subtract from it.
        """
        return sum(amount for day, amount in self._spent if day.year <= year)


SPENDING_SIGNS = {"PaymentConfirmed": 1, "PaymentReturned": -1, "SurplusSurrendered": 1, "EntryReversed": -1}
"""1 if the event adds its amount to the spent part of the appropriation, -1 if it subtracts its amount."""


def proposals(recipients: Sequence[Recipient]) -> list[dict[str, str]]:
    """The proposals of a public notice: each recipient's application, and the total amount proposed for it."""
    return [{"application": each.application, "amount": str(Money(sum(each.amounts.values())))} for each in recipients]


def rows(recipients: Sequence[Recipient], first_rank: int = 1) -> Iterator[dict[str, Any]]:
    """The rows of an award list, one for each recipient. The first row has the rank `first_rank`.

    A recipient that was chosen from a list has no score.
    """
    for rank, each in enumerate(recipients, first_rank):
        yield {
            "award": each.award,
            "application": each.application,
            "payee": each.payee,
            **({"score": each.score} if each.score else {}),
            "rank": rank,
            "amounts": [{"batch": b, "amount": str(Money(a))} for b, a in sorted(each.amounts.items()) if a],
        }
