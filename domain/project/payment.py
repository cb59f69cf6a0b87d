"""One payment's life: requested, approved, instructed, confirmed; or turned back, its money payable again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, assert_never, get_args

from domain.case import Case, Decision
from domain.mirrors import FundsReturned
from domain.money import Money
from domain.names import plain
from domain.posting import PAID, Move, Place, move, source_of
from domain.project.opening import ProjectFact
from domain.project.state import ActualPayee, Payee, Payment, PaymentStatus, Project
from domain.record import Fact, Recorded
from domain.rules.every_post import BalanceTooSmall, BeforeItsCause, NameTaken, UnknownName
from domain.rules.fund import BatchNotInPlan
from domain.rules.payment import (
    AmountMismatch,
    ApprovalOutOfTurn,
    PayeeMismatch,
    PaymentStatusWrong,
    RequesterMayNotApprove,
)

STEP = (UnknownName, PaymentStatusWrong, BeforeItsCause)
"""What may refuse any step of a payment that is requested."""

# Events ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PaymentRequested(ProjectFact):
    """Payable money of one award and batch is asked for, for the award's payee and under a new name."""

    zh = "支付申请"
    cites = (("支付申请编号",),)
    refused_by = (NameTaken, UnknownName, BeforeItsCause, BatchNotInPlan, PayeeMismatch, BalanceTooSmall)
    payment: str
    award: str
    batch: int
    amount: Money
    payee: Payee


@dataclass(frozen=True, slots=True)
class PaymentApproved(ProjectFact):
    """One level of approval, in the order of the fund's settings (审核, 审批). The ledger sets `final` on the last."""

    zh = "支付审批通过"
    cites = (("审批单",),)
    refused_by = (*STEP, RequesterMayNotApprove, ApprovalOutOfTurn)
    payment: str
    level: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class PaymentRejected(ProjectFact):
    """An approver, who is never the requester, says no: the money is payable again."""

    zh = "支付驳回"
    cites = (("审批单",),)
    refused_by = (*STEP, RequesterMayNotApprove)
    payment: str
    reason: str


@dataclass(frozen=True, slots=True)
class PaymentCancelled(ProjectFact):
    """A payment is given up before it is instructed: the money is payable again."""

    zh = "支付作废"
    refused_by = STEP
    payment: str
    reason: str


@dataclass(frozen=True, slots=True)
class PaymentInstructed(ProjectFact):
    """The treasury is told to pay, by a voucher whose number is never used twice."""

    zh = "支付指令发出"
    cites = (("支付凭证号",),)
    claims = ("支付凭证号",)
    refused_by = STEP
    payment: str


@dataclass(frozen=True, slots=True)
class PaymentConfirmed(ProjectFact):
    """The bank has paid. A payee other than the award's is never refused: the ledger sets `payee_differs`."""

    zh = "支付确认"
    cites = (("流水号",),)
    claims = ("流水号",)
    refused_by = (*STEP, AmountMismatch)
    payment: str
    amount: Money
    payee: ActualPayee
    payee_differs: bool = False


@dataclass(frozen=True, slots=True)
class PaymentFailed(ProjectFact):
    """The bank could not carry out the instruction: the money is payable again."""

    zh = "支付失败"
    cites = (("银行通知",),)
    refused_by = STEP
    payment: str
    reason: str


@dataclass(frozen=True, slots=True)
class PaymentReturned(ProjectFact):
    """Money that was paid comes back: `passive` from the bank that could not deliver it (退票), else from the payee.

    It is payable again in the year it was paid and while the project is open; else it is recovered to the fund.
    """

    zh = "退票/退款"
    records_too = "FundsReturned"
    cites = (("退回通知书",),)
    refused_by = (*STEP, AmountMismatch, BalanceTooSmall)
    payment: str
    amount: Money
    passive: bool
    reason: str


Step = (
    PaymentApproved
    | PaymentRejected
    | PaymentCancelled
    | PaymentInstructed
    | PaymentConfirmed
    | PaymentFailed
    | PaymentReturned
)
Event = PaymentRequested | Step
FACTS: tuple[type[Fact], ...] = get_args(Event)

REQUESTED, APPROVED = PaymentStatus.REQUESTED, PaymentStatus.APPROVED
INSTRUCTED, CONFIRMED = PaymentStatus.INSTRUCTED, PaymentStatus.CONFIRMED


class Allowed(NamedTuple):
    """From which statuses a step may be taken, and to which it leads if nothing else decides that."""

    allowed: tuple[PaymentStatus, ...]
    leads_to: PaymentStatus


STEPS: dict[type[Fact], Allowed] = {
    PaymentApproved: Allowed((REQUESTED,), APPROVED),
    PaymentRejected: Allowed((REQUESTED,), PaymentStatus.REJECTED),
    PaymentCancelled: Allowed((REQUESTED, APPROVED), PaymentStatus.CANCELLED),
    PaymentInstructed: Allowed((APPROVED,), INSTRUCTED),
    PaymentConfirmed: Allowed((INSTRUCTED,), CONFIRMED),
    PaymentFailed: Allowed((INSTRUCTED,), PaymentStatus.FAILED),
    PaymentReturned: Allowed((CONFIRMED,), PaymentStatus.RETURNED),
}

# Evolve ----------------------------------------------------------------------


def evolve(project: Project, fact: Event, event: Recorded) -> Project:
    if isinstance(fact, PaymentRequested):
        payment = Payment(
            fact.award,
            fact.batch,
            fact.payee,
            REQUESTED,
            requester=event.header.actor,
            requester_key=event.header.key,
            since=event.header.occurred_on,
        )
        return replace(project, payments=project.payments.set(fact.payment, payment))
    before = project.payments[fact.payment]
    payment = replace(before, status=_status(project, before, fact), since=event.header.occurred_on)
    if isinstance(fact, PaymentApproved):
        payment = replace(payment, approvals=payment.approvals + 1)
    if isinstance(fact, PaymentConfirmed):
        payment = replace(payment, paid_in=event.booked_on.year)
        award = project.awards[payment.award]
        award = replace(award, paid_on=max(award.paid_on or event.header.occurred_on, event.header.occurred_on))
        project = replace(project, awards=project.awards.set(payment.award, award))
    return replace(project, payments=project.payments.set(fact.payment, payment))


def _status(project: Project, before: Payment, fact: Step) -> PaymentStatus:
    match fact:
        case PaymentApproved():
            return APPROVED if fact.final else REQUESTED
        case PaymentReturned():
            left = project.accounts.fen(PAID, _place(project, fact.payment, before))
            return CONFIRMED if left else PaymentStatus.RETURNED
        case _:
            return STEPS[type(fact)].leads_to


def _place(project: Project, name: str, payment: Payment) -> Place:
    return Place(project.code, payment.batch, payment.award, name)


# Decide ----------------------------------------------------------------------


def decide(case: Case, project: Project, fact: Event) -> Decision:
    if isinstance(fact, PaymentRequested):
        return _request(case, project, fact)
    payment = project.payment(fact.payment)
    allowed = STEPS[type(fact)].allowed
    if payment.status not in allowed:
        wanted = " / ".join(allowed)
        raise PaymentStatusWrong(payment=fact.payment, status=payment.status, wanted=wanted)
    case.not_before(f"payment {payment.status}", payment.since)
    match fact:
        case PaymentApproved():
            return _approve(case, project, payment, fact)
        case PaymentRejected():
            _check_four_eyes(case, fact.payment, payment)
            return _move_whole(case, project, payment, fact)
        case PaymentCancelled() | PaymentInstructed() | PaymentFailed():
            return _move_whole(case, project, payment, fact)
        case PaymentConfirmed():
            return _confirm(case, project, payment, fact)
        case PaymentReturned():
            return _return(case, project, payment, fact)
        case _:
            assert_never(fact)


def _request(case: Case, project: Project, fact: PaymentRequested) -> Decision:
    project.unused("payment", fact.payment)
    award = project.award(fact.award)
    case.not_before("AwardListDecided", award.decided_on)
    planned = case.books.fund(project.fund).line(project.code).batch(fact.batch)
    if planned is None:
        raise BatchNotInPlan(project=project.code, batch=fact.batch)
    if planned.gate in award.gates:
        case.not_before(f"gate {planned.gate}", award.gates[planned.gate])
    if fact.payee != award.payee:
        raise PayeeMismatch(payee=str(fact.payee), awarded=str(award.payee))
    place = Place(project.code, fact.batch, fact.award, fact.payment)
    return case.allow(move(project.accounts, "PaymentRequested", place, fact.amount))


def _approve(case: Case, project: Project, payment: Payment, fact: PaymentApproved) -> Decision:
    _check_four_eyes(case, fact.payment, payment)
    levels = case.books.fund(project.fund).settings.approvals
    expected = levels[payment.approvals]
    if fact.level != expected:
        raise ApprovalOutOfTurn(payment=fact.payment, level=fact.level, expected=expected)
    return case.allow(fact=replace(fact, final=payment.approvals + 1 == len(levels)))


def _check_four_eyes(case: Case, name: str, payment: Payment) -> None:
    same_person = plain(case.header.actor) == plain(payment.requester)
    if same_person or plain(case.header.key) == plain(payment.requester_key):
        requester = payment.requester if same_person else payment.requester_key
        raise RequesterMayNotApprove(payment=name, requester=requester)


def _move_whole(case: Case, project: Project, payment: Payment, fact: Step) -> Decision:
    """All that the payment holds where this step takes it from."""
    return case.allow(_whole(project, payment, fact))


def _whole(project: Project, payment: Payment, fact: Step) -> Move:
    place = _place(project, fact.payment, payment)
    event = type(fact).__name__
    return move(project.accounts, event, place, project.accounts.fen(source_of(event), place).total)


def _confirm(case: Case, project: Project, payment: Payment, fact: PaymentConfirmed) -> Decision:
    whole = _whole(project, payment, fact)
    if fact.amount != whole.amount:
        raise AmountMismatch(amount=fact.amount, expected=whole.amount)
    return case.allow(whole, fact=replace(fact, payee_differs=not fact.payee.is_of(payment.payee)))


def _return(case: Case, project: Project, payment: Payment, fact: PaymentReturned) -> Decision:
    """Payable again if the project is open and the year is the one it was paid in; else recovered to the fund."""
    place = _place(project, fact.payment, payment)
    paid = Money(project.accounts.fen(PAID, place).total)
    if fact.passive and fact.amount != paid:
        raise AmountMismatch(amount=fact.amount, expected=paid)
    if case.booked_on.year == payment.paid_in and not project.closed:
        return case.allow(move(project.accounts, "PaymentReturned", place, fact.amount, "same year"))
    moved = move(project.accounts, "PaymentReturned", place, fact.amount, "later year")
    returned = FundsReturned(project.code, fact.amount, closes=False)
    return case.allow(moved, mirror=(f"fund/{project.fund}", returned))
