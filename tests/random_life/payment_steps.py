"""What may happen to a payment: requested, approved, confirmed; turned back, returned; or recovered."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from domain.event import Fact, Posted
from domain.money import Money
from domain.posting import IN_TRANSIT, PAYABLE
from domain.project import payment, recovery
from domain.state.entities import PaymentStatus
from domain.state.project import Project
from tests.domain.lives import actual, payee
from tests.random_life.award_steps import an_award
from tests.random_life.round_steps import new_name

if TYPE_CHECKING:
    from tests.random_life.life import RandomLife


def request(life: RandomLife, project: Project) -> Fact | None:
    payable = sorted(at for at in project.accounts.holdings if at.account == PAYABLE)
    if payable and life.chance(90):
        at = life.pick(payable)
        award, batch, most = str(at.place.award), at.place.batch or 0, project.accounts.holdings[at].total
    else:
        award, batch, most = str(an_award(life, project)), life.random.randint(1, 3), 20
        if award not in project.awards:
            return None
    amount = Money(most) if life.chance(70) else life.amount(most + 3)
    to = project.awards[award].payee if life.chance(93) else payee("other")
    return payment.PaymentRequested(new_name("P", project.payments), award, batch, amount, to)


def advance(life: RandomLife, project: Project) -> Posted | None:
    """The next regular step of some payment."""
    name = life.pick_any(in_flight(project))
    return next_of_payment(life, project, name) if name else None


def in_flight(project: Project) -> list[str]:
    wanted = (PaymentStatus.REQUESTED, PaymentStatus.APPROVED, PaymentStatus.INSTRUCTED)
    return [name for name, each in project.payments.items() if each.status in wanted]


def next_of_payment(life: RandomLife, project: Project, name: str) -> Posted:
    each, stream = project.payments[name], f"project/{project.code}"
    if each.status is PaymentStatus.INSTRUCTED:
        return life.post(confirmed(life, project, name), stream)
    levels = each.levels or ()
    if each.approvals < len(levels):
        by = life.other_than(each.by.actor)
        return life.post(payment.PaymentApproved(name, levels[each.approvals]), stream, by=by)
    return life.post(payment.PaymentInstructed(name), stream)


def confirmed(life: RandomLife, project: Project, name: str) -> payment.PaymentConfirmed:
    """Confirmed as instructed; at times the bank paid somebody else."""
    each = project.payments[name]
    whole = Money(project.accounts.fen(IN_TRANSIT, project.place(each.award, each.batch, name)).total)
    paid_to = each.payee.name.removeprefix("示例") if life.chance(90) else "other"
    return payment.PaymentConfirmed(name, whole, actual(paid_to))


TURNED_BACK = {
    PaymentStatus.REQUESTED: (payment.PaymentRejected, payment.PaymentRejected, payment.PaymentCancelled),
    PaymentStatus.APPROVED: (payment.PaymentCancelled,),
    PaymentStatus.INSTRUCTED: (payment.PaymentFailed,),
}


def turn_back(life: RandomLife, project: Project) -> Fact | Posted | None:
    """A payment is given up, or what was paid comes back."""
    flying = in_flight(project)
    name = life.pick_any(flying if flying and life.chance(60) else project.payments)
    if name is None:
        return None
    if project.payments[name].status is PaymentStatus.CONFIRMED:
        over = project.closed or project.payments[name].award in project.ended
        return give_back(life, project, name) if life.chance(90 if over else 30) else None
    kinds = TURNED_BACK.get(project.payments[name].status, ())
    if not kinds or life.chance(10):
        kinds = (payment.PaymentRejected, payment.PaymentCancelled, payment.PaymentFailed)
    by = life.other_than(project.payments[name].by.actor)
    return life.post(life.pick(kinds)(name, "随机"), f"project/{project.code}", by=by)


def give_back(life: RandomLife, project: Project, name: str) -> Fact | None:
    paid = project.paid(name).total
    if not paid:
        return None
    if life.chance(80 if project.payments[name].award in project.ended else 50):
        return payment.PaymentReturned(name, Money(paid), passive=True, reason="退票", year=life.day.year)
    return payment.PaymentReturned(name, life.amount(paid + 3), passive=False, reason="退款")


def order_back(life: RandomLife, project: Project) -> Fact | None:
    """Money of a payment is ordered back."""
    paid = [name for name, each in project.payments.items() if each.status is PaymentStatus.CONFIRMED]
    name = life.pick_any(paid)
    if name is None or not project.paid(name):
        return None
    due_on = life.day + timedelta(days=30)
    amount = life.amount(project.paid(name).total + 3)
    return recovery.RecoveryOrdered(new_name("R", project.recoveries), name, amount, due_on, "随机")


def settle_recovery(life: RandomLife, project: Project) -> Posted | None:
    """What was ordered back comes in, or is given up."""
    outstanding = [name for name, _ in project.all_outstanding()]
    name = life.pick_any(outstanding)
    return settle(life, project, name, life.chance(40)) if name else None


def settle(life: RandomLife, project: Project, name: str, whole: bool) -> Posted:
    left, stream = project.outstanding(name), f"project/{project.code}"
    amount = Money(left) if whole else life.amount(left)
    if life.chance(60):
        return life.post(recovery.RecoveryReceived(name, amount), stream)
    by = life.other_than(project.recoveries[name].by.actor)
    return life.post(recovery.RecoveryWaived(name, amount, "无力退回"), stream, by=by)


PAYMENT_STEPS = {request: 8, advance: 16, turn_back: 3, order_back: 2, settle_recovery: 2}
PAYMENT_STEPS_AFTER_CLOSING = {turn_back: 3, order_back: 2, settle_recovery: 2}
