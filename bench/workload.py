"""The posts of the benchmarks: a fund of many projects whose awards are paid in small payments of three events each.

A payment is requested, instructed with a voucher, and confirmed with the bank's reference; no approval levels are set.
Each post is checked by the rules of its step and moves fen, and most posts claim a document number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, cycle, islice
from typing import Any

from stdnum.cn import uscc

from domain.money import Money
from service.api.posting import cloudevents
from service.ledger.application import Ledger
from service.ledger.outcomes import Committed, Post

SECRET = b"a secret of the benches, 32 bytes"
Event = dict[str, Any]
AWARD = Money(100_000_000)
"""The amount of each award in fen; a payment takes one yuan."""
PAID = "2020-01-06"
ROUND = 10_000
"""The largest number of awards that one list decides."""


@dataclass(frozen=True)
class Fund:
    """A fund of `projects` projects with `awards` awards each. No two funds of a ledger have the same `code`.

    `appropriations`: the number of appropriations, of equal amounts, in which the fund receives its money. `sources`:
    the number of sources that the plan lists; the appropriations come from them in turn.
    """

    code: str
    projects: int
    awards: int = 1
    appropriations: int = 1
    sources: int = 0

    def project(self, number: int) -> str:
        return f"{self.code}-{number}"

    def founding(self) -> Iterator[Event]:
        """All events of the fund and its projects before the first payment, in order."""
        share = Money(AWARD * self.awards)
        settings = {"notice_working_days": 0, "approvals": [], "acceptance_tries": 2}
        whole = str(Money(share * self.projects))
        yield self._of_fund("FundEstablished", "立项依据", name="示例专项资金", settings=settings)
        part, rest = divmod(share * self.projects, self.appropriations)
        for number in range(self.appropriations):
            amount = str(Money(part if number else part + rest))
            source = {"funding_source": _source(number % self.sources)} if self.sources else {}
            yield self._of_fund("AppropriationReceived", "上级指标文号", amount=amount, budget_year=2020, **source)
        yield self._of_fund("PlanDrafted", "", **self._plan(str(share), whole))
        yield self._of_fund("PlanAdopted", "局文", draft=self.appropriations + 2)
        for number in range(self.projects):
            project = self.project(number)
            yield _event(f"project/{project}", "ProjectOpened", "", fund=self.code)
            yield self._of_fund("FundsAllotted", "资金分配文", project=project, batch=1, amount=str(share))
            version = 2
            for round_, first in enumerate(range(0, self.awards, ROUND), 1):
                for event in self._round(project, round_, range(first, min(first + ROUND, self.awards)), version):
                    version += 1
                    yield event

    def payment(self, project: int, award: int, number: int) -> Iterator[Event]:
        """The three posts of one payment; `number` makes its name unique within the award."""
        stream, name = f"project/{self.project(project)}", f"P{award}-{number}"
        reference, payee = f"{self.project(project)}-{name}", _payee(award)
        requested = {"award": f"L{award}", "batch": 1, "amount": "1.00", "payee": payee}
        yield _event(stream, "PaymentRequested", f"支付申请编号 {reference}", on=PAID, payment=name, **requested)
        yield _event(stream, "PaymentInstructed", f"支付凭证号 {reference}", on=PAID, payment=name)
        yield _event(
            stream, "PaymentConfirmed", f"流水号 {reference}", on=PAID, payment=name, amount="1.00", payee=payee
        )

    def _of_fund(self, type_: str, cites: str, **data: Any) -> Event:
        return _event(f"fund/{self.code}", type_, cites, **data)

    def _plan(self, share: str, whole: str) -> Event:
        line = {"tasks": ["一"], "award_rule": "max", "awards": self.awards, "fixed_total": False, "total": share}
        batches = [{"batch": 1, "amount": share, "gate": "award"}]
        lines = [
            {"project": self.project(n), "number": n + 1, "name": f"项目{n}", "name_annex": f"项目{n}", **line}
            for n in range(self.projects)
        ]
        sources = [
            {"source": _source(number), "name": f"示例来源{number}", "level": "other", "amount": whole}
            for number in range(self.sources)
        ]
        return {
            **({"sources": sources} if sources else {}),
            "title": "示例计划",
            "total": whole,
            "tasks": [{"code": "一", "name": "任务一"}],
            "batches": [{"batch": 1, "name": "第一批", "total": whole}],
            "lines": [{**each, "batches": batches} for each in lines],
        }

    def _round(self, project: str, round_: int, awards: range, version: int) -> Iterator[Event]:
        """The events of one round of `project`, from the call to the list of `awards`.

        `version`: the version of the project's stream before the round.
        """

        def of_project(type_: str, cites: str = "", **data: Any) -> Event:
            return _event(f"project/{project}", type_, cites, **data)

        yield of_project("CallPublished", "申报指南", round=round_, opens_on="2020-01-02", closes_on="2020-01-02")
        for each in awards:
            applicant = {name: _payee(each)[name] for name in ("name", "uscc")}
            yield of_project("ApplicationReceived", "受理号", application=f"A{each}", applicant=applicant)
        yield of_project("CallClosed", on="2020-01-03", round=round_)
        for each in awards:
            yield of_project("ApplicationScreened", "审查表", on="2020-01-03", application=f"A{each}", passed=True)
        scores = [{"application": f"A{each}", "score": "90"} for each in awards]
        yield of_project("ReviewConcluded", "评审意见", on="2020-01-03", method="示例", scores=scores)
        shown = [{"application": f"A{each}", "amount": str(AWARD)} for each in awards]
        days = {"first_day": "2020-01-03", "last_day": "2020-01-03"}
        yield of_project("NoticeStarted", "公示", on="2020-01-03", applications=shown, **days)
        yield of_project("NoticeCompleted", on="2020-01-04")
        review = version + 2 * len(awards) + 3
        rows = [
            {
                "award": f"L{each}", "application": f"A{each}", "payee": _payee(each), "score": "90",
                "rank": rank, "amounts": [{"batch": 1, "amount": str(AWARD)}],
            }
            for rank, each in enumerate(awards, 1)
        ]  # fmt: skip
        decided = {"review": review, "notice": review + 1, "method": "示例", "awards": rows}
        yield of_project("AwardListDecided", "纪要,立项文号", on="2020-01-05", **decided)


_ids, _payments = count(1), count(1)


def _event(stream: str, type_: str, cites: str = "", on: str = "2020-01-02", **data: Any) -> Event:
    number = next(_ids)
    papers = [
        {"kind": kind, "number": given or f"示例〔2020〕{number}号"}
        for kind, given in map(_paper, cites.split(","))
        if kind
    ]
    fields = {"occurred_on": on, "actor": "示例经办", "documents": papers, **data}
    return {
        "specversion": "1.0", "id": f"e{number}", "source": "/bench", "type": type_, "subject": stream, "data": fields,
    }  # fmt: skip


def _paper(cite: str) -> tuple[str, str]:
    kind, _, number = cite.partition(" ")
    return kind, number


def _source(number: int) -> str:
    return f"来源{number}"


def _payee(number: int) -> dict[str, str]:
    code = f"91440104MA{number:06d}0"
    return {"name": f"示例{number}单位", "uscc": code + uscc.calc_check_digit(code), "account": f"62000000{number:08d}"}


def read(event: Event) -> Post:
    """The post that the web service would read from `event`, a CloudEvent."""
    return cloudevents.parse_post(cloudevents.parse_envelope(event), "bench", SECRET)


def found(ledger: Ledger, fund: Fund) -> None:
    """Post to `ledger` all events of `fund` that come before its first payment."""
    settle(ledger, fund.founding())


def settle(ledger: Ledger, events: Iterable[Event]) -> None:
    """Post `events` to `ledger`, a thousand at a time. Fails if an event is refused."""
    remaining = iter(events)
    while bundle := [read(event) for event in islice(remaining, 1_000)]:
        outcomes = ledger.post(bundle)
        refused = [outcome for outcome in outcomes if not isinstance(outcome, Committed)]
        assert not refused, refused[0]


class Payments:
    """Makes the events of payments of `fund`, in an order that the rules accept; each is made only once."""

    def __init__(self, fund: Fund) -> None:
        self._fund = fund

    def events(self, projects: Sequence[int], how_many: int) -> Iterator[Event]:
        """The next `how_many` events of payments. The projects (by number) take turns, and so do their awards."""
        in_turn = cycle(projects)
        return islice(
            (
                event
                for number in _payments
                for event in self._fund.payment(next(in_turn), number % self._fund.awards, number)
            ),
            how_many,
        )

    def for_writers(self, writers: int, how_many: int) -> list[list[Event]]:
        """For each writer, a list of the next `how_many` events. The projects are divided among the writers.

        If there are fewer projects than writers, several writers share a project.
        """
        shares = [range(self._fund.projects)[writer::writers] for writer in range(writers)]
        return [
            list(self.events(share or [writer % self._fund.projects], how_many)) for writer, share in enumerate(shares)
        ]
