"""Random lives: posts of every kind in random order and amounts, most of them plausible, some refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from domain.decision import decide
from domain.fund import AppropriationReceived, FundClosed, FundEstablished, FundsAllotted, Gate
from domain.money import Money
from domain.posting import PAID
from domain.project import acceptance, call, payment
from domain.project.award import AgreementSigned, Awarded, AwardListDecided, BatchAmount
from domain.project.opening import ProjectClosed
from domain.project.state import Project
from domain.record import Fact, Posted, Recorded
from domain.rules import Refused
from tests.domain.lives import SETTINGS, actual, founded, line, payee
from tests.domain.scenario import Scenario, foretold, post

PROJECTS = ("p", "q")
GATES = tuple(Gate)


class RandomLife:
    """One fund with two projects; `books` as far as it has come, `events` all that was recorded."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.day = date(2019, 1, 10)
        self.events: list[Recorded] = []
        self.refusals: list[Refused] = []
        self.scenario = Scenario()
        gates = (Gate.AWARD, random.choice(GATES), Gate.ACCEPTANCE)
        amounts = ("3.00", "2.00", "1.00")
        lines = [
            line(code, n, random.randint(1, 3), fixed=random.random() < 0.3, amounts=amounts, gates=gates)
            for n, code in enumerate(PROJECTS, 1)
        ]
        for each in founded(*lines, appropriated="12.00"):
            self.try_(each)

    def try_(self, posted: Posted) -> bool:
        """Post it; whether it counted."""
        books = self.scenario.books
        try:
            events = decide(books, posted)
        except Refused as refusal:
            foretold(posted, refusal)
            self.refusals.append(refusal)
            return False
        for mirror in events[1:]:
            assert type(mirror.fact).__name__ == posted.fact.records_too, "what is recorded too is foretold"
        self.events += events
        self.scenario = Scenario(books.record(events))
        return True

    def live(self, steps: int) -> Iterator[bool]:
        """Take `steps` random steps, telling after each whether it counted."""
        for _ in range(steps):
            self.day += timedelta(days=self.random.choice((0, 0, 1, 3, 40)))
            kind = self.random.choice(STEPS)
            code = self.random.choice(PROJECTS)
            project = self.scenario.books.project(code)
            if fact := kind(self, project):
                who = self.random.choice(("甲", "乙"))
                stream = "fund/f" if fact.stream == "fund" else f"project/{code}"
                yield self.try_(post(stream, fact, self.day.isoformat(), actor=who, key=f"key-{who}"))

    def amount(self, most: int = 300) -> Money:
        return Money(self.random.randint(1, most))

    def payments(self, project: Project, *statuses: str) -> list[str]:
        return [name for name, each in project.payments.items() if each.status in statuses]

    def pick(self, names: object) -> str | None:
        found = sorted(names)  # type: ignore[call-overload]
        return self.random.choice(found) if found else None


Step = Callable[[RandomLife, Project], Fact | None]


def _appropriate(life: RandomLife, project: Project) -> Fact:
    return AppropriationReceived(life.amount(), 2019)


def _allot(life: RandomLife, project: Project) -> Fact:
    batch = life.random.randint(1, 3)
    planned = life.scenario.books.fund("f").line(project.code).batch(batch)
    allotted = life.scenario.books.fund("f").allotted.get((project.code, batch), 0)
    assert planned is not None
    left = planned.amount - allotted
    whole = left if left and life.random.random() < 0.7 else life.amount()
    return FundsAllotted(project.code, batch, Money(whole))


def _call(life: RandomLife, project: Project) -> Fact | None:
    current = project.round
    if current is None or current.decided:
        number = current.number + 1 if current else 1
        return call.CallPublished(number, life.day, life.day + timedelta(days=2))
    if current.closed_on is None:
        if len(project.applied(current.number)) < 4:
            life.day = min(life.day, current.closes_on)
            name = f"{project.code}{current.number}{len(project.applied(current.number))}"
            return call.ApplicationReceived(f"A-{name}", call.Applicant(name, f"9{name}"))
        life.day = max(life.day, current.closes_on + timedelta(days=1))
        return call.CallClosed(current.number)
    applied = project.applied(current.number)
    pending = [name for name, each in applied.items() if each.screening == "pending"]
    if pending:
        return call.ApplicationScreened(pending[0], passed=life.random.random() < 0.9)
    if current.review is None or life.random.random() < 0.05:
        passed = [name for name, each in applied.items() if each.screening == "passed"]
        scores = [call.Score(name, Decimal(life.random.randint(50, 99))) for name in passed]
        return call.ReviewConcluded("随机", tuple(scores))
    if current.notice is None or life.random.random() < 0.1:
        proposals = [call.Proposal(n, life.amount()) for n, each in applied.items() if each.standing]
        return call.NoticeStarted(tuple(proposals), life.day, life.day + timedelta(days=4))
    if current.notice.completed_on is None:
        life.day = max(life.day, current.notice.last_day + timedelta(days=1))
        return call.NoticeCompleted()
    return _decide(life, project)


def _decide(life: RandomLife, project: Project) -> Fact | None:
    current = project.round
    if current is None or current.notice is None or current.review is None:
        return None
    plan = life.scenario.books.fund("f").line(project.code)
    standing = [
        name
        for name in current.notice.applications
        if project.applications[name].standing and project.applications[name].round == current.number
    ]
    chosen = sorted(standing)[: life.random.randint(1, 2)]
    whole = len(chosen) == 1 or plan.fixed_total
    rows = []
    for rank, name in enumerate(chosen, 1):
        share = {b.batch: b.amount if whole else b.amount // 3 for b in plan.batches}
        if whole and len(chosen) == 2:
            share = {b: a // 2 if rank == 1 else a - a // 2 for b, a in share.items()}
        code = name.removeprefix("A-")
        score = project.applications[name].score or Decimal(0)
        amounts = tuple(BatchAmount(b, Money(a)) for b, a in share.items())
        rows.append(Awarded(f"L-{code}", name, payee(code), score, rank, amounts))
    return AwardListDecided(current.review, current.notice.version, "随机", tuple(rows))


def _sign(life: RandomLife, project: Project) -> Fact | None:
    award = life.pick(project.awards)
    return award and AgreementSigned(award, life.day, life.day)  # type: ignore[return-value]


def _request(life: RandomLife, project: Project) -> Fact | None:
    award = life.pick(project.awards)
    if award is None:
        return None
    batch = life.random.randint(1, 3)
    payable = [b for b in project.accounts.books if b.account == "payable" and b.place.award == award]
    whole = 0
    if payable and life.random.random() < 0.8:
        batch = payable[0].place.batch or 1
        whole = project.accounts.books[payable[0]].total
    amount = Money(whole) if whole else life.amount()
    name = f"P{len(project.payments)}"
    return payment.PaymentRequested(name, award, batch, amount, project.awards[award].payee)


def _advance(life: RandomLife, project: Project) -> Fact | None:
    """The next regular step of some payment."""
    name = life.pick(life.payments(project, "requested", "approved", "instructed"))
    if name is None:
        return None
    each = project.payments[name]
    if each.status == "requested":
        return payment.PaymentApproved(name, SETTINGS.approvals[each.approvals])
    if each.status == "approved":
        return payment.PaymentInstructed(name)
    place = [b for b in project.accounts.books if b.account == "in_transit" and b.place.payment == name]
    amount = Money(project.accounts.books[place[0]].total)
    return payment.PaymentConfirmed(
        name, amount, actual(life.random.choice((each.payee.name.removeprefix("示例"), "other")))
    )


def _turn_back(life: RandomLife, project: Project) -> Fact | None:
    name = life.pick(project.payments)
    if name is None:
        return None
    paid = [b for b in project.accounts.books if b.account == PAID and b.place.payment == name]
    if paid and life.random.random() < 0.5:
        whole = Money(project.accounts.books[paid[0]].total)
        if life.random.random() < 0.5:
            return payment.PaymentReturned(name, whole, passive=True, reason="退票")
        return payment.PaymentReturned(name, life.amount(whole + 5), passive=False, reason="退款")
    kinds = (payment.PaymentRejected, payment.PaymentCancelled, payment.PaymentFailed)
    return life.random.choice(kinds)(name, "随机")


def _accept(life: RandomLife, project: Project) -> Fact | None:
    award = life.pick(project.awards)
    if award is None:
        return None
    match project.awards[award].acceptance:
        case "none" | "rectifying":
            return acceptance.AcceptanceRequested(award)
        case "requested":
            if life.random.random() < 0.7:
                return acceptance.AcceptancePassed(award)
            return acceptance.AcceptanceFailed(award, "随机")
        case _:
            return acceptance.RectificationOrdered(award, life.day + timedelta(days=30))


def _close(life: RandomLife, project: Project) -> Fact:
    return life.random.choice((ProjectClosed(), FundClosed(), FundEstablished("又一个", SETTINGS)))


STEPS: tuple[Step, ...] = (
    *(_call,) * 10,
    *(_allot,) * 4,
    *(_request, _advance, _advance, _advance) * 3,
    _turn_back,
    _decide,
    _accept,
    _accept,
    _sign,
    _appropriate,
    _close,
)
