"""An invented history of a fund of many projects, from the calls to the closing of the projects.

It is drawn from a fixed seed, so that every ledger has the same history: how many apply, what their scores are, when
each award is paid and accepted, and which awards have a trouble. All money is paid or surrendered, except the last
payment, which is left in transit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from random import Random
from typing import Any

from domain.money import Money
from domain.state.fund import Gate
from service.example.history import History, WorkingDays, poster_of
from service.example.payments import Due, accept, pay
from service.example.recipients import Recipient
from service.example.selection import select
from service.example.steps import EventPoster, Post, Project, Step, days
from service.example.units import invent

SEED = 2021
TROUBLES = ("request rejected", "bank fails", "payment returned", "acceptance fails once", "returns a part")
"""The troubles that some awards have. payments.py posts them."""
ONE_IN = 12
"""One in so many awards has a trouble."""


def play(post: Post, setup: Sequence[Mapping[str, Any]], working_days: WorkingDays) -> None:
    """Post an invented history of the fund that the events `setup` established.

    `post` posts one CloudEvent and returns the new version of its stream.
    """
    _History(poster_of(post, setup, "示例群"), setup, working_days).play()


class _History(History):
    def __init__(self, poster: EventPoster, setup: Sequence[Mapping[str, Any]], working_days: WorkingDays) -> None:
        super().__init__(poster, setup, working_days)
        self._random = Random(SEED)  # noqa: S311 - not for secrets

    def play(self) -> None:
        units = invent("群", 2)
        for project in self._projects:
            project.applicants = self._applicants(project, units)
        signed = select(self._poster, self._projects, self._start + days(5), self._notice_ends, decided=(1, 2))
        awarded = [(project, each) for project in self._projects for each in project.awarded]
        for _, recipient in awarded[:-1]:
            if self._below(ONE_IN) == 0:
                recipient.trouble = TROUBLES[self._below(len(TROUBLES))]
        self._poster.post_in_order(
            step for project, each in awarded for step in self._paid(project, each, Gate.AGREEMENT, signed + days(5))
        )
        self._carry_forward(date(signed.year + 1, 1, 10))
        requested = signed + days(270)
        self._poster.post_in_order(
            step for project, each in awarded for step in accept(project, each, requested + days(self._below(40)))
        )
        last, ended = requested + days(100), requested + days(190)
        *settled, (in_transit, recipient) = awarded
        self._poster.post_in_order(
            step for project, each in settled for step in self._paid(project, each, Gate.ACCEPTANCE, last)
        )
        self._poster.post_in_order(
            step
            for step in self._paid(in_transit, recipient, Gate.ACCEPTANCE, last + days(40))
            if step.type != "PaymentConfirmed"
        )
        self._poster.post_in_order(
            Step(ended + days(self._below(20)), project.stream, "ProjectClosed", ("结项",), {})
            for project in self._projects
            if project is not in_transit
        )

    def _below(self, bound: int) -> int:
        """The next drawn number from 0 to `bound` - 1."""
        return int(self._random.random() * bound)  # the one method whose numbers are the same in every version

    def _applicants(self, project: Project, units: Iterator[Recipient]) -> list[Recipient]:
        """As many applicants as there are awards, and up to two more, the last of whom fails the screening."""
        more = self._below(3)
        applicants = list(islice(units, project.line["awards"] + more))
        score = 900 + self._below(80)
        for each in applicants:
            each.score = f"{score // 10}.{score % 10}"
            score -= 10 + self._below(40)
        applicants[-1].out = more == 2
        return applicants

    def _paid(self, project: Project, recipient: Recipient, gate: Gate, on: date) -> Iterator[Step]:
        """The steps that pay the batches behind `gate` to `recipient`, requested within 30 days from `on`."""
        for batch in project.batches_behind(gate):
            due = Due(project, recipient, batch, self._settings["approvals"])
            yield from pay(due, on + days(self._below(30)))

    def _carry_forward(self, on: date) -> None:
        unspent = Money(Money.parse(self._appropriated["amount"]) - self._poster.spent(on.year - 1))
        carried = {"appropriation": self._received, "year": on.year - 1, "amount": str(unspent)}
        self._poster.post(self._fund, "YearCarriedForward", on, "结转批复", **carried)
