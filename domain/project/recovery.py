"""The recovery 追回 of paid money: orders, receipts in one or more parts, and waivers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import assert_never, get_args

from msgspec.structs import replace

from domain.decision_context import Context, Decision
from domain.event import Allowed, Fact, Recorded, Restored, Reversible, restores
from domain.interest import TAKEN, taken
from domain.mirrors import FundsReturned
from domain.money import Money
from domain.origin import OF_ORIGIN, of_origin
from domain.posting import INTEREST, Move, move
from domain.project.lifecycle import ProjectFact
from domain.rules.call import DeadlineNotLater
from domain.rules.every_post import BeforeItsCause, NameTaken, UnknownName
from domain.rules.interest import MoreThanInterest, NothingReceived
from domain.rules.recovery import MoreThanOutstanding, MoreThanPaid, RecoverySettled
from domain.rules.waiver import SamePerson
from domain.state.entities import Recovery
from domain.state.project import Project

STEP = (UnknownName, BeforeItsCause, MoreThanOutstanding)
"""The rules that may refuse each step of a recovery after its order: a receipt, or a waiver."""

# Events ----------------------------------------------------------------------


class RecoveryOrdered(ProjectFact, frozen=True):
    """The recovery of `amount` of a payment was ordered, due by `due_on`. `recovery` is a new name. No money moves.

    `interest` is the interest that must be paid in addition to `amount`. Interest is not the fund's money.
    """

    zh = "追缴决定"
    about_zh = "决定追缴某笔支付的全部或部分；资金尚未移动。"
    allowed = Allowed.ALWAYS
    reversible = restores("recovery", by_another=True)
    cites = (("追缴通知",),)
    refused_by = (NameTaken, UnknownName, BeforeItsCause, MoreThanPaid)
    recovery: str
    payment: str
    amount: Money
    due_on: date
    reason: str
    interest: Money | None = None


class RecoveryReceived(ProjectFact, frozen=True):
    """All or part of an ordered recovery was received: `amount` moves from `paid` to the fund's account `recovered`.

    If `funding_source` or `appropriation` is given, only money of that source or appropriation moves. `interest` is the
    interest received in addition to `amount`, at most what the order still demands. Its fen get new serials and go to
    the fund's account `interest`. `amount` may be 0.00 if interest was received.
    """

    zh = "追缴到账"
    about_zh = "追缴款到账，可分次：资金收回专项资金。"
    allowed = Allowed.ALWAYS
    reversible = Reversible(in_part=True, restores=lambda _, fact: (Restored("recovered", fact.recovery),))
    records_too = ("FundsReturned",)
    cites = (("缴款书",),)
    claims = ("缴款书",)
    refused_by = (*STEP, *OF_ORIGIN, NothingReceived, MoreThanInterest, *TAKEN)
    recovery: str
    amount: Money
    funding_source: str | None = None
    appropriation: int | None = None
    interest: Money | None = None

    def takes_serials(self) -> bool:
        return bool(self.interest)


class RecoveryWaived(ProjectFact, frozen=True):
    """All or part of an ordered recovery was waived: that money stays paid.

    The person and the API key must both differ from those of the order. `interest` is the interest that is waived in
    addition to `amount`; if it is given, `amount` may be 0.00. The ledger sets `lapsed`: the part of the order that is
    no longer demanded, because that money was returned in another way before this waiver.
    """

    zh = "追缴豁免"
    about_zh = (
        "经批准不再追缴的部分仍为已付；须由决定追缴以外的人、以另一密钥办理。"
        "决定追缴后已有退回、实付不足追缴数的，差额由账簿记为 lapsed，不再追缴。"
    )
    allowed = Allowed.ALWAYS
    reversible = restores("recovery")
    cites = (("批准文件",),)
    apart_from = ("RecoveryOrdered",)
    refused_by = (*STEP, SamePerson, NothingReceived, MoreThanInterest)
    recovery: str
    amount: Money
    reason: str
    lapsed: Money | None = None
    interest: Money | None = None


class RecoveryExtended(ProjectFact, frozen=True):
    """The day by which an ordered recovery is due was put off to `due_on`. The amount demanded stays the same."""

    zh = "追缴延期"
    about_zh = "经批准延期或分期缴款：追缴期限推迟到 due_on，应缴金额不变。"
    allowed = Allowed.ALWAYS
    reversible = restores("recovery")
    cites = (("批复",),)
    refused_by = (UnknownName, BeforeItsCause, DeadlineNotLater, RecoverySettled)
    recovery: str
    due_on: date


Event = RecoveryOrdered | RecoveryReceived | RecoveryWaived | RecoveryExtended
FACTS: tuple[type[Fact], ...] = get_args(Event)

# Evolve ----------------------------------------------------------------------


def evolve(project: Project, fact: Event, event: Recorded) -> Project:
    match fact:
        case RecoveryOrdered():
            interest = fact.interest or Money()
            ordered = Recovery(
                event.version, fact.payment, event.cause, event.by, fact.due_on, fact.amount, interest=interest
            )
            names = (*project.recoveries_of.get(fact.payment, ()), fact.recovery)
            added = project.with_entity("recovery", fact.recovery, ordered)
            return replace(added, recoveries_of=project.recoveries_of.set(fact.payment, names))
        case RecoveryReceived():
            return received(project, fact.recovery, fact.amount, fact.interest or 0)
        case RecoveryWaived():
            recovery = project.recoveries[fact.recovery]
            changes: dict[str, object] = {"waived": Money(recovery.waived + fact.amount)}
            if fact.interest:
                changes["interest_waived"] = Money(recovery.interest_waived + fact.interest)
            if fact.lapsed:
                changes |= {"lapsed": Money(recovery.lapsed + fact.lapsed), "lapsed_by": event.version}
            return project.step("recovery", fact.recovery, event.version, **changes)
        case RecoveryExtended():
            return project.step("recovery", fact.recovery, event.version, due_on=fact.due_on, due_by=event.version)
        case _:
            assert_never(fact)


def received(project: Project, name: str, amount: int, interest: int = 0) -> Project:
    """`project` after `amount` fen of principal and `interest` fen of interest were received on the recovery `name`.

    Both numbers are negative if a receipt is reversed.
    """
    project = replace(project, recovered=project.recovered.set(name, project.recovered.get(name, 0) + amount))
    if not interest:
        return project
    so_far = project.interest_received.get(name, 0) + interest
    left = project.interest_received.set(name, so_far) if so_far else project.interest_received.delete(name)
    return replace(project, interest_received=left)


# Decide ----------------------------------------------------------------------


def decide(context: Context, project: Project, fact: Event) -> Decision:
    if isinstance(fact, RecoveryOrdered):
        return _order(context, project, fact)
    recovery = project.recovery(fact.recovery)
    context.not_before("RecoveryOrdered", recovery.ordered.on)
    outstanding = project.outstanding(fact.recovery)
    if isinstance(fact, RecoveryExtended):
        demanded = max(outstanding, 0) + project.interest_outstanding(fact.recovery)
        return _extend(context, recovery, demanded, fact)
    if fact.amount > outstanding:
        raise MoreThanOutstanding(recovery=fact.recovery, outstanding=Money(outstanding), amount=fact.amount)
    _check_interest(project, fact)
    if isinstance(fact, RecoveryWaived):
        if same := context.same_as(recovery.by):
            raise SamePerson(who=same)
        lapsed = Money(project.demanded(fact.recovery) - outstanding)
        return context.allow(fact=replace(fact, lapsed=lapsed or None))
    returned = FundsReturned(project.code, fact.amount, closes=False)
    return context.allow(*_moves(context, project, fact), mirrors=((f"fund/{project.fund}", returned),))


def _check_interest(project: Project, fact: RecoveryReceived | RecoveryWaived) -> None:
    interest, outstanding = fact.interest or Money(), Money(project.interest_outstanding(fact.recovery))
    if not fact.amount and not interest:
        raise NothingReceived
    if interest > outstanding:
        raise MoreThanInterest(recovery=fact.recovery, outstanding=outstanding, amount=interest)


def _moves(context: Context, project: Project, fact: RecoveryReceived) -> Iterator[Move]:
    """The moves of a receipt: the principal out of `paid`, and the interest with new serials."""
    fund, recovery = context.ledger.fund(project.fund), project.recoveries[fact.recovery]
    if fact.amount:
        payment = project.payments[recovery.payment]
        place = project.place(payment.award, payment.batch, recovery.payment)
        yield move(project.accounts, "RecoveryReceived", place, fact.amount, origin=of_origin(fund, fact))
    if fact.interest:
        yield taken(context, fund, "RecoveryReceived", fact.interest, INTEREST)


def _extend(context: Context, recovery: Recovery, demanded: int, fact: RecoveryExtended) -> Decision:
    if not demanded:
        raise RecoverySettled(recovery=fact.recovery)
    if fact.due_on <= recovery.due_on:
        raise DeadlineNotLater(what="RecoveryOrdered", last_day=recovery.due_on, asked=fact.due_on)
    return context.allow()


def _order(context: Context, project: Project, fact: RecoveryOrdered) -> Decision:
    project.unused("recovery", fact.recovery)
    payment = project.payment(fact.payment)
    context.not_before(f"payment {payment.status}", payment.since)
    if fact.due_on < context.occurred_on:
        raise BeforeItsCause(occurred_on=fact.due_on, cause="RecoveryOrdered", cause_on=context.occurred_on)
    outstanding = sum(project.outstanding(name) for name in project.recoveries_of.get(fact.payment, ()))
    left = Money(max(project.paid(fact.payment).total - outstanding, 0))
    if fact.amount > left:
        raise MoreThanPaid(payment=fact.payment, left=left, amount=fact.amount)
    return context.allow()
