"""The steps of a payment: request, approval, rejection, cancellation, instruction, confirmation, failure, return."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple, assert_never, get_args

from immutables import Map
from msgspec.structs import replace

from domain.decision_context import Context, Decision
from domain.event import Allowed, Fact, Recorded, Reversible, restores
from domain.guard import require, rules_of
from domain.mirrors import FundsReturned
from domain.money import Money
from domain.origin import OF_ORIGIN, of_origin
from domain.posting import GATE_SHUT, Move, Place, move, source_of
from domain.project.condition import NOT_HELD, NOT_OBJECTED_TO, PAYEE, PAYMENT, allowed_payee, gate_is_open
from domain.project.lifecycle import ProjectFact
from domain.rules.every_post import BalanceTooSmall, BeforeItsCause, NameTaken, UnknownName
from domain.rules.payment import (
    AmountMismatch,
    ApprovalOutOfTurn,
    ApproverTwice,
    GateShut,
    PayeeMismatch,
    PaymentStatusWrong,
    RequesterMayNotApprove,
)
from domain.state.entities import ActualPayee, AwardStatus, Payee, Payment, PaymentStatus
from domain.state.project import Project

STEP = (UnknownName, PaymentStatusWrong, BeforeItsCause)
"""The rules that may refuse each step of a payment after its request."""
AFTER_REQUEST = (NOT_OBJECTED_TO, PAYEE, NOT_HELD)
"""The guards of a payment's request that are checked again when the payment is approved and when it is instructed.

Events after the request can change what these guards find.
"""
AFTER_REQUEST_RULES = tuple(rule for rule in rules_of(AFTER_REQUEST) if rule not in STEP)

# Events ----------------------------------------------------------------------


class PaymentRequested(ProjectFact, frozen=True):
    """A payment of `amount` to an award's payee was requested, out of the money payable in one batch of the award.

    `payment` is the new payment's name. If the request is recorded as irregular because the batch's gate is shut, the
    money is taken from what is committed. If `funding_source` or `appropriation` is given, only money of that source or
    appropriation is paid. The ledger sets `levels` to the approval levels in the fund's settings at that time.
    """

    zh = "支付申请"
    about_zh = "提出支付申请，收款人须与立项一致。"
    reversible = None
    cites = (("支付申请编号",),)
    apart_from = ("WaiverGranted",)
    refused_by = (NameTaken, *rules_of(PAYMENT), *OF_ORIGIN)
    payment: str
    award: str
    batch: int
    amount: Money
    payee: Payee
    levels: tuple[str, ...] | None = None
    funding_source: str | None = None
    appropriation: int | None = None

    @property
    def more(self) -> int:
        """What the request adds to what the payee has."""
        return self.amount

    @property
    def irregular(self) -> tuple[str, ...]:
        """The rules that an earlier step broke: there is none."""
        return ()

    @property
    def first_version(self) -> int:
        return 0


class PaymentApproved(ProjectFact, frozen=True):
    """The payment was approved at one approval level. The levels, such as 审核 and 审批, approve in a fixed order.

    Each level must be approved by a different person, unless the fund's setting `approvers_differ` is false. All levels
    may use the same API key, such as the key of an approval system. The persons are then distinguished by the persons
    that their tokens name, or otherwise by the typed names. The ledger sets `final` to true if `level` is the last
    level.
    """

    zh = "支付审批通过"
    about_zh = "通过一级审批，依次进行；申请人不得审批，各级由不同的人办理（可由规则参数免除）。"
    reversible = None
    cites = (("审批单",),)
    apart_from = ("PaymentRequested", "WaiverGranted")
    refused_by = (*STEP, *AFTER_REQUEST_RULES, RequesterMayNotApprove, ApprovalOutOfTurn, ApproverTwice)
    payment: str
    level: str
    final: bool = False


class PaymentRejected(ProjectFact, frozen=True):
    """An approver rejected the payment. Its money becomes payable again, or committed if the batch's gate is shut.

    The approver must not be the requester. `level` is the approval level whose turn it was; if it is omitted, the
    ledger sets it.
    """

    zh = "支付驳回"
    about_zh = "驳回支付申请，资金恢复为应付；申请人不得驳回。"
    reversible = None
    cites = (("审批单",),)
    apart_from = ("PaymentRequested",)
    refused_by = (*STEP, RequesterMayNotApprove, ApprovalOutOfTurn)
    payment: str
    reason: str
    level: str | None = None


class PaymentCancelled(ProjectFact, frozen=True):
    """The payment was cancelled before the bank was instructed, and its money becomes payable again."""

    zh = "支付作废"
    about_zh = "作废尚未发出支付指令的申请，资金恢复为应付。"
    reversible = None
    refused_by = STEP
    payment: str
    reason: str


class PaymentInstructed(ProjectFact, frozen=True):
    """The treasury or bank was instructed to pay. The number of the payment voucher can be used only once.

    All approval levels of the payment must have approved it. A payment without approval levels needs no approval: such
    payments are approved outside this ledger and only recorded here.
    """

    zh = "支付指令发出"
    about_zh = "向国库或银行发出支付指令，凭证号只能使用一次。"
    reversible = restores("payment")
    cites = (("支付凭证号",),)
    claims = ("支付凭证号",)
    apart_from = ("WaiverGranted",)
    refused_by = (*STEP, *AFTER_REQUEST_RULES)
    payment: str


class PaymentConfirmed(ProjectFact, frozen=True):
    """The bank paid the whole amount. `payee` is the actual payee.

    The actual payee should be the payee of the request, and this should be the award's payee or one whom a waiver
    allows. If not, the event is not refused, but the ledger sets `payee_differs` to true. `cleared_on` is the clearing
    date 清算日期; if it is omitted, the payment cleared on the day the event occurred.
    """

    zh = "支付确认"
    about_zh = "银行已支付全额；实际收款人不符的不拒绝，但作标记。"
    reversible = restores("payment")
    cites = (("流水号",),)
    claims = ("流水号",)
    refused_by = (*STEP, AmountMismatch)
    payment: str
    amount: Money
    payee: ActualPayee
    payee_differs: bool = False
    cleared_on: date | None = None


class PaymentFailed(ProjectFact, frozen=True):
    """The bank could not execute the instruction, and the payment's money becomes payable again.

    If the batch's gate is shut, the money becomes committed instead.
    """

    zh = "支付失败"
    about_zh = "支付失败，资金恢复为应付。"
    reversible = restores("payment")
    cites = (("银行通知",),)
    refused_by = STEP
    payment: str
    reason: str


class PaymentReturned(ProjectFact, frozen=True):
    """Paid money was returned by the payee, or by a bank that could not deliver it.

    `passive` is true if a bank returned the money (退票); a bank must return all that is still paid. The money becomes
    payable again if all of these hold: the project is open, the award is live, the gate of the batch is open, the
    payment was ordered, and its confirmation was booked in the same year as the return. Otherwise the money goes to the
    fund's account `recovered`. The ledger compares the years of the booking dates; `year` is only the year that the
    notice of return states.
    """

    zh = "退票/退款"
    about_zh = (
        "已付资金退回：passive 为真是银行退票（须全额），否则为收款人退款；"
        "付款当年且立项有效的恢复为应付，否则收回专项资金。"
    )
    allowed = Allowed.ALWAYS
    reversible = Reversible(in_part=True)
    records_too = ("FundsReturned",)
    cites = (("退回通知书",),)
    claims = ("退回通知书",)
    refused_by = (*STEP, AmountMismatch, BalanceTooSmall)
    payment: str
    amount: Money
    passive: bool
    reason: str
    year: int | None = None


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


class Transition(NamedTuple):
    """The statuses of a payment in which a step is allowed, and the status that the step leads to.

    A PaymentApproved leads to the status APPROVED only if it approves the last level; otherwise the status stays
    REQUESTED.
    """

    allowed: tuple[PaymentStatus, ...]
    leads_to: PaymentStatus


STEPS: dict[type[Fact], Transition] = {
    PaymentApproved: Transition((REQUESTED,), APPROVED),
    PaymentRejected: Transition((REQUESTED,), PaymentStatus.REJECTED),
    PaymentCancelled: Transition((REQUESTED, APPROVED), PaymentStatus.CANCELLED),
    PaymentInstructed: Transition((APPROVED,), INSTRUCTED),
    PaymentConfirmed: Transition((INSTRUCTED,), CONFIRMED),
    PaymentFailed: Transition((INSTRUCTED,), PaymentStatus.FAILED),
    PaymentReturned: Transition((CONFIRMED,), CONFIRMED),
}

# Evolve ----------------------------------------------------------------------


def evolve(project: Project, fact: Event, event: Recorded) -> Project:
    if isinstance(fact, PaymentReturned):
        return project
    on = event.header.occurred_on
    if isinstance(fact, PaymentRequested):
        return _requested(project, fact, event)
    changes: dict[str, object] = {"status": STEPS[type(fact)].leads_to, "since": on}
    if isinstance(fact, PaymentApproved):
        changes["status"] = APPROVED if fact.final else REQUESTED
        changes["approved_by"] = (*project.payments[fact.payment].approved_by, event.by)
    if isinstance(fact, PaymentConfirmed):
        changes["paid_in"] = event.booked_on.year
        project = with_confirmation(project, fact.payment, project.payments[fact.payment].award, on)
    return project.step("payment", fact.payment, event.version, **changes)


def _requested(project: Project, fact: PaymentRequested, event: Recorded) -> Project:
    irregular = tuple(each.rule for each in event.header.irregular)
    to_other = fact.payee != project.awards[fact.award].payee
    requested = Payment(
        event.version,
        fact.award,
        fact.batch,
        fact.payee,
        REQUESTED,
        event.by,
        since=event.header.occurred_on,
        levels=fact.levels,
        by_waiver=to_other and PayeeMismatch.__name__ not in irregular,
        amount=fact.amount,
        irregular=irregular,
    )
    project = project.with_entity("payment", fact.payment, requested)
    if GateShut.__name__ in requested.irregular:
        project = replace(project, apart=project.apart | {fact.payment})
    if not requested.by_waiver:
        return project
    names = (*project.by_waiver.get(fact.award, ()), fact.payment)
    return replace(project, by_waiver=project.by_waiver.set(fact.award, names))


def with_confirmation(project: Project, name: str, award: str, on: date) -> Project:
    """`project` with the day on which the bank paid the payment `name` of `award` in its index `paid_on`."""
    confirmed = project.paid_on.get(award, Map()).set(name, on)
    return replace(project, paid_on=project.paid_on.set(award, confirmed))


def unconfirmed(project: Project, name: str) -> Project:
    """`project` without the confirmation day of the payment `name` in its index `paid_on`."""
    award = project.payments[name].award
    left = project.paid_on[award].delete(name)
    paid_on = project.paid_on.set(award, left) if left else project.paid_on.delete(award)
    return replace(project, paid_on=paid_on)


def _place(project: Project, name: str, payment: Payment) -> Place:
    return project.place(payment.award, payment.batch, name)


# Decide ----------------------------------------------------------------------


def decide(context: Context, project: Project, fact: Event) -> Decision:
    if isinstance(fact, PaymentRequested):
        return _request(context, project, fact)
    payment = project.payment(fact.payment)
    allowed = STEPS[type(fact)].allowed
    if isinstance(fact, PaymentInstructed) and payment.levels == ():
        allowed = (REQUESTED,)  # approved elsewhere, only recorded here
    if payment.status not in allowed:
        wanted = " / ".join(allowed)
        raise PaymentStatusWrong(payment=fact.payment, status=payment.status, wanted=wanted)
    context.not_before(f"payment {payment.status}", payment.since)
    if isinstance(fact, PaymentApproved | PaymentInstructed):
        require(AFTER_REQUEST, context, project, payment)
    match fact:
        case PaymentApproved():
            return _approve(context, project, payment, fact)
        case PaymentRejected():
            return _reject(context, project, payment, fact)
        case PaymentCancelled() | PaymentInstructed() | PaymentFailed():
            return _move_whole(context, project, payment, fact)
        case PaymentConfirmed():
            return _confirm(context, project, payment, fact)
        case PaymentReturned():
            return _return(context, project, payment, fact)
        case _:
            assert_never(fact)


def _request(context: Context, project: Project, fact: PaymentRequested) -> Decision:
    project.unused("payment", fact.payment)
    require(PAYMENT, context, project, fact)
    fund = context.ledger.fund(project.fund)
    place = project.place(fact.award, fact.batch, fact.payment)
    when = "" if gate_is_open(context, project, fact) else GATE_SHUT
    moved = move(project.accounts, "PaymentRequested", place, fact.amount, when, origin=of_origin(fund, fact))
    return context.allow(moved, fact=replace(fact, levels=fund.settings.approvals))


def _levels(context: Context, project: Project, payment: Payment) -> tuple[str, ...]:
    return context.ledger.fund(project.fund).first_approvals if payment.levels is None else payment.levels


def _next_level(context: Context, project: Project, payment: Payment) -> str | None:
    """The approval level whose turn it is; None if all have approved."""
    levels = _levels(context, project, payment)
    return next(iter(levels[len(payment.approved_by) :]), None)


def _approve(context: Context, project: Project, payment: Payment, fact: PaymentApproved) -> Decision:
    _check_four_eyes(context, fact.payment, payment)
    expected = _next_level(context, project, payment)
    out_of_turn = ApprovalOutOfTurn(payment=fact.payment, level=fact.level, expected=expected)
    if fact.level not in _levels(context, project, payment):
        raise out_of_turn
    if fact.level != expected:
        context.improper(out_of_turn)
    if context.header.edition > 1 and context.ledger.fund(project.fund).settings.approvers_differ is not False:
        for earlier in payment.approved_by:
            if same := context.same_human_as(earlier):
                context.improper(ApproverTwice(payment=fact.payment, approver=same))
    is_last = len(payment.approved_by) + 1 == len(_levels(context, project, payment))
    return context.allow(fact=replace(fact, final=is_last))


def _reject(context: Context, project: Project, payment: Payment, fact: PaymentRejected) -> Decision:
    _check_four_eyes(context, fact.payment, payment)
    expected = _next_level(context, project, payment)
    if fact.level not in (None, expected):
        context.improper(ApprovalOutOfTurn(payment=fact.payment, level=str(fact.level), expected=expected))
    return context.allow(_whole(context, project, payment, fact), fact=replace(fact, level=fact.level or expected))


def _check_four_eyes(context: Context, name: str, payment: Payment) -> None:
    if same := context.same_as(payment.by):
        raise RequesterMayNotApprove(payment=name, requester=same)


def _move_whole(context: Context, project: Project, payment: Payment, fact: Step) -> Decision:
    """The decision to accept the step `fact`, which moves all money of the payment to the step's target account."""
    return context.allow(_whole(context, project, payment, fact))


BACK = (PaymentRejected, PaymentCancelled, PaymentFailed)
"""The steps that give a payment's money back: to `payable`, or, if the gate is shut, to `committed`."""


def _whole(context: Context, project: Project, payment: Payment, fact: Step) -> Move:
    place = _place(project, fact.payment, payment)
    event = type(fact).__name__
    when = GATE_SHUT if isinstance(fact, BACK) and not gate_is_open(context, project, payment) else ""
    return move(project.accounts, event, place, project.accounts.fen(source_of(event), place).total, when)


def _confirm(context: Context, project: Project, payment: Payment, fact: PaymentConfirmed) -> Decision:
    whole = _whole(context, project, payment, fact)
    if fact.amount != whole.amount:
        raise AmountMismatch(amount=fact.amount, expected=whole.amount)
    if fact.cleared_on and fact.cleared_on < payment.since:
        raise BeforeItsCause(occurred_on=fact.cleared_on, cause="PaymentInstructed", cause_on=payment.since)
    as_requested = fact.payee.is_of(payment.payee) and allowed_payee(project, payment)
    return context.allow(whole, fact=replace(fact, payee_differs=not as_requested))


def _return(context: Context, project: Project, payment: Payment, fact: PaymentReturned) -> Decision:
    """The decision to accept that paid money came back: it becomes payable again, or goes to the account `recovered`.

    The money becomes payable again if the project is open, the award is live, the gate of the batch is open, the
    payment was ordered, and its confirmation was booked in the same year as this return. Raises AmountMismatch if a
    bank did not return exactly the amount that is still paid, and BalanceTooSmall if a payee returned more than this
    amount.
    """
    place = _place(project, fact.payment, payment)
    paid = Money(project.paid(fact.payment).total)
    if fact.passive and fact.amount != paid:
        raise AmountMismatch(amount=fact.amount, expected=paid)
    live = project.awards[payment.award].status is AwardStatus.LIVE and not project.closed
    ordered = not payment.unordered and gate_is_open(context, project, payment)
    if live and ordered and context.booked_on.year == payment.paid_in:
        return context.allow(move(project.accounts, "PaymentReturned", place, fact.amount, "same year, award live"))
    moved = move(project.accounts, "PaymentReturned", place, fact.amount, "later year or award ended")
    returned = FundsReturned(project.code, fact.amount, closes=False)
    return context.allow(moved, mirrors=((f"fund/{project.fund}", returned),))
