"""Why money is not paid yet: the conditions of each post that would bring it on its way, met or not, and by what.

The conditions are the very guards that refuse those posts, so that the answer and the posts cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from domain.books import Books
from domain.case import Case
from domain.fund.state import Gate, NoticeOrder
from domain.guard import Evidence, Guard
from domain.money import Money
from domain.posting import COMMITTED, IN_APPROVAL, IN_FLIGHT, IN_TRANSIT, LINE, PAID, PAYABLE, Place
from domain.project.acceptance import AcceptancePassed, AcceptanceRequested, RectificationOrdered
from domain.project.amendment import AgreementSigned
from domain.project.award import Awarded, AwardListDecided, BatchAmount
from domain.project.condition import ACCEPTANCE, LIVE, NOT_OBJECTED_TO, OPEN, PAYMENT
from domain.project.eligibility import LIST
from domain.project.payment import PaymentApproved, PaymentConfirmed, PaymentInstructed, PaymentRequested
from domain.project.state import Acceptance, ActualPayee, Award, BankAccount, Payee, PaymentStatus, Project
from domain.record import Fact, Header
from domain.rules import Refused


@dataclass(frozen=True, slots=True)
class Condition:
    """A guard as it stands today: met `by` some events, or what it refuses with."""

    guard: Guard
    by: Evidence
    missing: Refused | None


@dataclass(frozen=True, slots=True)
class Step:
    """A post that would bring the money further, as it could be posted today, and its conditions."""

    fact: Fact
    conditions: tuple[Condition, ...]

    @property
    def may(self) -> bool:
        """Whether all conditions are met."""
        return all(condition.missing is None for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Answer:
    """Where the money of a batch stands, by account, and the steps that it waits for, the one towards payment first."""

    accounts: dict[str, Money]
    steps: tuple[Step, ...]


OF_AWARD = (COMMITTED, PAYABLE, IN_APPROVAL, IN_TRANSIT, PAID)


def why(books: Books, code: str, batch: int, award: str | None = None) -> Answer:
    """Why a batch of an award is not paid; without an award, why what the batch's line holds is not awarded.

    Raises UnknownStream, UnknownName, NotInPlan, BatchNotInPlan.
    """
    project = books.project(code)
    books.fund(project.fund).line(code).batch(batch)
    if award is None:
        held = project.accounts.balance(LINE, Place(code, batch))
        return Answer({LINE: held}, (_list(books, project, batch),))
    place, found = project.place(award, batch), project.award(award)
    accounts = {
        name: project.accounts.balance(name, place) for name in (COMMITTED, PAYABLE, IN_APPROVAL, IN_TRANSIT, PAID)
    }
    steps = (_payment(books, project, award, batch), *_opening(books, project, found, award, batch))
    return Answer(accounts, (*steps, *_under_way(books, project, award, batch)))


def _step(books: Books, project: Project, fact: Fact, guards: Iterable[Guard], about: Any = None) -> Step:
    """`about`: what the guards look at, if not the fact itself."""
    header = Header(books.today, None, actor="", key="", source="", source_id="")
    case = Case(books, f"project/{project.code}", fact, header, books.today)
    return Step(fact, tuple(_condition(guard, case, project, about or fact) for guard in guards))


def _condition(guard: Guard, case: Case, project: Project, fact: Any) -> Condition:
    try:
        return Condition(guard, guard.check(case, project, fact), None)
    except Refused as refusal:
        return Condition(guard, (), refusal)


def _payment(books: Books, project: Project, award: str, batch: int) -> Step:
    """A request for all that is payable; for one fen, if nothing is."""
    payable = project.accounts.balance(PAYABLE, project.place(award, batch))
    asked = PaymentRequested("?", award, batch, Money(payable or 1), project.award(award).payee)
    return _step(books, project, asked, (OPEN, *PAYMENT))


def _opening(books: Books, project: Project, award: Award, name: str, batch: int) -> Iterator[Step]:
    """What would open the gate, if it is shut."""
    gate = books.fund(project.fund).line(project.code).batch(batch).gate
    if gate in award.gates:
        return
    if gate is Gate.AGREEMENT:
        yield _step(books, project, AgreementSigned(name, books.today, books.today), (OPEN, LIVE))
    elif award.acceptance is Acceptance.REQUESTED:
        yield _step(books, project, AcceptancePassed(name), (OPEN, LIVE))
    elif award.acceptance is Acceptance.FAILED:
        yield _step(books, project, RectificationOrdered(name, books.today), (OPEN, LIVE))
    else:
        yield _step(books, project, AcceptanceRequested(name), (OPEN, *ACCEPTANCE))


def _under_way(books: Books, project: Project, award: str, batch: int) -> Iterator[Step]:
    """The next step of each payment that is on its way."""
    for at in sorted(project.accounts.books):
        if at.account in IN_FLIGHT and (at.place.award, at.place.batch) == (award, batch):
            name = str(at.place.payment)
            fact = _next(books, project, name)
            guards = (NOT_OBJECTED_TO,) if isinstance(fact, PaymentApproved | PaymentInstructed) else ()
            yield _step(books, project, fact, guards, about=project.payments[name])


def _next(books: Books, project: Project, name: str) -> Fact:
    payment = project.payments[name]
    levels = books.fund(project.fund).first_approvals if payment.levels is None else payment.levels
    if payment.status is PaymentStatus.INSTRUCTED:
        paid = project.accounts.fen(IN_TRANSIT, project.place(payment.award, payment.batch, name))
        payee = ActualPayee(payment.payee.name, payment.payee.account, payment.payee.uscc)
        return PaymentConfirmed(name, Money(paid.total), payee)
    if payment.status is PaymentStatus.APPROVED or not levels:
        return PaymentInstructed(name)
    return PaymentApproved(name, levels[payment.approvals])


def _list(books: Books, project: Project, batch: int) -> Step:
    """A list that gives the best that stands all that the line holds; one fen, if it holds nothing."""
    fund = books.fund(project.fund)
    current = project.rounds.get(str(project.round))
    review = current.review.version if current and current.review else 0
    noticed = current.notice if current and fund.settings.notice_order is NoticeOrder.BEFORE_DECISION else None
    line = fund.line(project.code)
    held = {b.batch: project.accounts.balance(LINE, Place(project.code, b.batch)) for b in line.batches}
    shares = tuple(BatchAmount(n, amount) for n, amount in held.items() if amount) or (BatchAmount(batch, Money(1)),)
    scores = current.scores if current else {}
    candidates = noticed.applications if noticed else scores
    best = max((name for name in candidates if project.standing(name)), key=lambda n: (scores[n], n), default=None)
    rows = (Awarded("?", best, NOBODY, scores[best], 1, shares),) if best else ()
    decided = AwardListDecided(review, "", rows, noticed.version if noticed else None)
    return _step(books, project, decided, (OPEN, *LIST))


NOBODY = Payee("", "", BankAccount("", ""))
