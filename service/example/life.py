"""An invented life of a fund, on any plan: from the calls to the last payment, with what goes wrong on the way.

Stage by stage over all projects, so that the log reads in the order of time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from domain.fund import Gate
from domain.money import Money
from service.example.recipients import Recipient, invent, share_out

Post = Callable[[Mapping[str, Any]], int]
"""Posts a CloudEvent and gives its stream's version after it."""
WorkingDays = Callable[[date, date], int | None]

TROUBLES = {
    1: "request rejected",
    2: "bank fails",
    3: "payment returned",
    4: "acceptance fails once",
    5: "acceptance fails",
    7: "acceptance pending",
    -2: "left in transit",
    -1: "left in approval",
}
"""What goes wrong with which award of the fund: counted from 0, or from the end."""

ACTORS = {
    "CallPublished": "示例·受理处钱某",
    "ApplicationReceived": "示例·受理处钱某",
    "PaymentApproved": "示例·审批人吴某",
    "PaymentRejected": "示例·审批人吴某",
    "AwardListDecided": "示例·局党组办孙某",
}
ACTOR = "示例·经办人周某"


@dataclass
class Project:
    """A line of the plan as its draft has it, the applicants invented for it, and what its award rests on."""

    line: Mapping[str, Any]
    applicants: list[Recipient] = field(default_factory=list)
    awarded: list[Recipient] = field(default_factory=list)
    review: int = 0
    notice: int = 0
    quantum: int = 1

    @property
    def code(self) -> str:
        return str(self.line["project"])

    def amounts(self) -> dict[int, int]:
        """The line's amounts in fen by batch."""
        return {b["batch"]: Money.parse(b["amount"]) for b in self.line["batches"]}

    def behind(self, *gates: Gate) -> list[int]:
        """The batches behind these gates."""
        return [b["batch"] for b in self.line["batches"] if b["gate"] in gates]


class Step(NamedTuple):
    """One post to come: its day decides its turn."""

    day: date
    project: Project
    type: str
    cites: tuple[str, ...]
    data: dict[str, Any]


def play(post: Post, setup: Sequence[Mapping[str, Any]], working_days: WorkingDays) -> None:
    """Live on the fund that the posts of `setup` founded."""
    _Life(post, setup, working_days).play()


def _days(count: int) -> timedelta:
    return timedelta(days=count)


class _Life:
    def __init__(self, post: Post, setup: Sequence[Mapping[str, Any]], working_days: WorkingDays) -> None:
        data = {event["type"]: event["data"] for event in setup}
        self._post, self._working_days = post, working_days
        self._source = f"/suyuan/example/{setup[0]['subject'].partition('/')[2]}"
        self._settings = data["FundEstablished"]["settings"]
        self._start = max(date.fromisoformat(event["data"]["occurred_on"]) for event in setup)
        self._projects = [Project(line) for line in data["PlanDrafted"]["lines"]]
        self._posted = 0

    def play(self) -> None:
        closed = self._call(self._start + _days(5))
        decided = self._decide(self._review(closed))
        first = decided + _days(10)
        self._live(
            step
            for project, to in self._awarded()
            for batch in project.behind(Gate.AWARD, Gate.AGREEMENT)
            for step in self._pay(project, to, batch, first)
        )
        asked = decided + _days(250)
        self._live(step for project, to in self._awarded() for step in self._accept(project, to, asked))
        last = asked + _days(70)
        self._live(
            step
            for project, to in self._awarded()
            for batch in (project.behind(Gate.ACCEPTANCE) if to.accepted else ())
            for step in self._pay(project, to, batch, last)
        )
        self._say(self._projects[0], "ProjectClosed", last + _days(30), "结项")

    def _live(self, steps: Iterable[Step]) -> None:
        """Post the steps of many payments or acceptances in the order of their days."""
        for step in sorted(steps, key=lambda step: step.day):
            self._say(step.project, step.type, step.day, *step.cites, **step.data)

    def _say(self, project: Project, type_: str, on: date, *cites: str, **data: Any) -> int:
        """Post one event; the documents it cites are numbered after it."""
        self._posted += 1
        number = f"示例〔{on.year}〕{self._posted}号"
        return self._post(
            {
                "specversion": "1.0",
                "id": f"life-{self._posted:05d}",
                "source": self._source,
                "type": type_,
                "subject": f"project/{project.code}",
                "data": {
                    "occurred_on": on.isoformat(),
                    "actor": ACTORS.get(type_, ACTOR),
                    "documents": [{"kind": kind, "number": number} for kind in cites],
                    **data,
                },
            }
        )

    def _awarded(self) -> Iterator[tuple[Project, Recipient]]:
        return ((project, recipient) for project in self._projects for recipient in project.awarded)

    # From the call to the award

    def _call(self, on: date) -> date:
        opens, closes = on + _days(2), on + _days(32)
        window = {"opens_on": opens.isoformat(), "closes_on": closes.isoformat()}
        for project in self._projects:
            self._say(project, "CallPublished", on, "申报指南", round=1, **window)
        for number, project in enumerate(self._projects, 1):
            places = project.line["awards"]
            project.applicants = list(invent(project.code, number, min(places, 7) + 2))
            for index, each in enumerate(project.applicants):
                applicant = {"name": each.name, "uscc": each.uscc}
                self._say(
                    project,
                    "ApplicationReceived",
                    opens + _days(3 + index),
                    "受理号",
                    application=each.application,
                    applicant=applicant,
                )
        for project in self._projects:
            self._say(project, "CallClosed", closes + _days(1), round=1)
        return closes + _days(1)

    def _review(self, closed: date) -> date:
        """The weakest applicant fails screening; the best of the others are proposed."""
        for project in self._projects:
            *passed, _ = project.applicants
            for each in project.applicants:
                screened = {"application": each.application, "passed": each in passed}
                if each not in passed:
                    screened["reason"] = "示例：申报材料不齐"
                self._say(project, "ApplicationScreened", closed + _days(3), "审查表", **screened)
            project.review = self._say(
                project,
                "ReviewConcluded",
                closed + _days(8),
                "评审意见",
                method="示例：专家独立评分，取平均分",
                scores=[{"application": each.application, "score": each.score} for each in passed],
            )
            exact = project.line["award_rule"] == "exact"
            project.awarded = passed[: project.line["awards"] if exact else max(1, len(passed) - 1)]
            project.quantum = share_out(project.amounts(), project.awarded)
        first = closed + _days(10)
        last = self._notice_ends(first)
        for project in self._projects:
            proposed = [
                {"application": each.application, "amount": str(Money(sum(each.amounts.values())))}
                for each in project.awarded
            ]
            notice = {"first_day": first.isoformat(), "last_day": last.isoformat()}
            project.notice = self._say(project, "NoticeStarted", first, "公示", applications=proposed, **notice)
        for project in self._projects:
            self._say(project, "NoticeCompleted", last + _days(1))
        return last + _days(1)

    def _notice_ends(self, first: date) -> date:
        last = first
        while (self._working_days(first, last) or 0) < self._settings["notice_working_days"]:
            last += _days(1)
        return last

    def _decide(self, noticed: date) -> date:
        decided, signed = noticed + _days(2), noticed + _days(6)
        for project in self._projects:
            for number, each in enumerate(project.awarded, 1):
                each.award = f"{project.code}-L{number:02d}"
            rows = [_award_row(each, rank) for rank, each in enumerate(project.awarded, 1)]
            self._say(
                project,
                "AwardListDecided",
                decided,
                "纪要",
                "立项文号",
                review=project.review,
                notice=project.notice,
                method="示例：按评审得分高低",
                quantum=str(Money(project.quantum)),
                tie_order="受理号在先者优先",
                awards=rows,
            )
        awarded = [recipient for _, recipient in self._awarded()]
        for index, trouble in TROUBLES.items():
            if -len(awarded) // 2 <= index < len(awarded):
                awarded[index].trouble = trouble
        for project, each in self._awarded():
            term = {"starts_on": signed.isoformat(), "ends_on": (signed + _days(365)).isoformat()}
            self._say(project, "AgreementSigned", signed, "合同号", award=each.award, **term)
        return decided

    # Payments and acceptance

    def _pay(self, project: Project, to: Recipient, batch: int, on: date, attempt: int = 1) -> Iterator[Step]:
        """One payment's steps; in an award's first batch its trouble strikes, and a second attempt follows."""
        trouble = to.trouble if batch == min(to.amounts) and attempt == 1 else ""
        payment, amount = f"{to.award}-B{batch}-{attempt}", str(Money(to.amounts[batch]))

        def step(type_: str, after: int, cites: str, **data: Any) -> Step:
            return Step(on + _days(after), project, type_, (cites,), {"payment": payment, **data})

        def again(after: int) -> Iterator[Step]:
            return self._pay(project, to, batch, on + _days(after), attempt + 1)

        asked = {"award": to.award, "batch": batch, "amount": amount, "payee": to.payee}
        yield step("PaymentRequested", 0, "支付申请编号", **asked)
        if trouble == "request rejected":
            yield step("PaymentRejected", 1, "审批单", reason="示例：附件不全")
            yield from again(4)
            return
        for number, level in enumerate(self._settings["approvals"], 1):
            yield step("PaymentApproved", number, "审批单", level=level)
            if trouble == "left in approval":
                return
        yield step("PaymentInstructed", 6, "支付凭证号")
        if trouble == "left in transit":
            return
        if trouble == "bank fails":
            yield step("PaymentFailed", 7, "银行通知", reason="示例：账户状态异常")
            yield from again(12)
            return
        yield step("PaymentConfirmed", 7, "流水号", amount=amount, payee=to.payee)
        if trouble == "payment returned":
            reason = "示例：开户行有误，退票"
            yield step("PaymentReturned", 12, "退回通知书", amount=amount, passive=True, reason=reason)
            yield from again(15)

    def _accept(self, project: Project, each: Recipient, on: date) -> Iterator[Step]:
        """One award's acceptance, as far as it gets."""

        def step(type_: str, after: int, *cites: str, **data: Any) -> Step:
            return Step(on + _days(after), project, type_, cites, {"award": each.award, **data})

        if each.trouble.startswith("left"):
            return
        yield step("AcceptanceRequested", 0)
        if each.trouble == "acceptance pending":
            return
        if each.trouble in ("acceptance fails", "acceptance fails once"):
            yield step("AcceptanceFailed", 10, "验收意见", reason="示例：约定指标未完成")
            yield step("RectificationOrdered", 15, "整改通知", due_on=(on + _days(90)).isoformat())
            if each.trouble == "acceptance fails":
                return
            yield step("AcceptanceRequested", 45)
        yield step("AcceptancePassed", 55, "验收意见")
        each.accepted = True


def _award_row(each: Recipient, rank: int) -> dict[str, Any]:
    return {
        "award": each.award,
        "application": each.application,
        "payee": each.payee,
        "score": each.score,
        "rank": rank,
        "amounts": [{"batch": b, "amount": str(Money(a))} for b, a in sorted(each.amounts.items())],
    }
