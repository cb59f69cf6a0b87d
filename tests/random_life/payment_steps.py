"""Steps of a payment: request, approval, instruction, confirmation, rejection, failure, return and recovery."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from domain.event import Fact, Posted
from domain.money import Money
from domain.posting import IN_TRANSIT, PAYABLE
from domain.project import payment, recovery
from domain.project.waiver import allowed, key
from domain.state.entities import Payment, PaymentStatus
from domain.state.project import Project
from tests.random_life.award_steps import pick_award
from tests.random_life.base import Life
from tests.random_life.recipients import actual, payee
from tests.random_life.round_steps import new_name


def request(life: Life, project: Project) -> Fact | None:
    payable = sorted(at for at in project.accounts.holdings if at.account == PAYABLE)
    if payable and life.chance(90):
        at = life.pick(payable)
        award, batch, available = str(at.place.award), at.place.batch or 0, project.accounts.holdings[at].total
    else:
        award, batch, available = str(pick_award(life, project)), life.random.randint(1, 3), 20
        if award not in project.awards:
            return None
    amount = Money(available) if life.chance(70) else life.amount(available + 3)
    to = project.awards[award].payee if life.chance(93) else payee("other")
    return payment.PaymentRequested(new_name("P", project.payments), award, batch, amount, to)


def advance(life: Life, project: Project) -> Posted | None:
    """The next regular step of a payment in flight."""
    name = life.pick_any(in_flight(project))
    return next_of_payment(life, project, name) if name else None


def in_flight(project: Project) -> list[str]:
    statuses = (PaymentStatus.REQUESTED, PaymentStatus.APPROVED, PaymentStatus.INSTRUCTED)
    return [name for name, each in project.payments.items() if each.status in statuses]


def next_of_payment(life: Life, project: Project, name: str) -> Posted:
    each, stream = project.payments[name], f"project/{project.code}"
    if each.status is PaymentStatus.INSTRUCTED:
        return life.post(confirmed(life, project, name), stream)
    levels, barred = each.levels or (), _granter_of_used_waiver(project, each)
    done = [approver.actor for approver in each.approved_by]
    if len(done) < len(levels):
        earlier = done if life.fund.settings.approvers_differ is not False else []
        by = life.other_than(each.by.actor, *earlier, *barred)
        return life.post(payment.PaymentApproved(name, levels[len(done)]), stream, by=by)
    return life.post(payment.PaymentInstructed(name), stream, by=life.other_than(*barred))


def _granter_of_used_waiver(project: Project, each: Payment) -> tuple[str, ...]:
    """The person who waived the payee check, if the payment relies on that waiver; otherwise empty.

    That person must not advance the payment.
    """
    if each.payee == project.awards[each.award].payee:
        return ()
    granted = allowed(project, key("PayeeMismatch", "award", each.award), each.payee)
    return (granted.by.actor,) if granted else ()


def confirm_by_number(life: Life, project: Project) -> Posted | None:
    """Confirm a payment by a number that a bank has mostly used before, perhaps another bank or on another day."""
    name = life.pick_any(n for n, each in project.payments.items() if each.status is PaymentStatus.INSTRUCTED)
    if name is None:
        return None
    used = sorted({claim.number for claim in life.ledger.claims if claim.kind == "流水号"})
    bank, on = life.pick((None, "甲银行", "乙银行")), life.pick((None, life.day))
    slip = replace(life.document("流水号"), issuer=bank, date=on)
    cites = [replace(slip, number=life.pick(used)) if used and life.chance(80) else slip]
    return life.post(confirmed(life, project, name), f"project/{project.code}", cites=cites)


def confirmed(life: Life, project: Project, name: str) -> payment.PaymentConfirmed:
    """A confirmation of the instructed payment; sometimes the bank has paid another payee."""
    each = project.payments[name]
    whole = Money(project.accounts.fen(IN_TRANSIT, project.place(each.award, each.batch, name)).total)
    paid_to = each.payee.name.removeprefix("示例") if life.chance(90) else "other"
    return payment.PaymentConfirmed(name, whole, actual(paid_to, with_identity=life.chance(50)))


UNSUCCESSFUL_ENDS = {
    PaymentStatus.REQUESTED: (payment.PaymentRejected, payment.PaymentRejected, payment.PaymentCancelled),
    PaymentStatus.APPROVED: (payment.PaymentCancelled,),
    PaymentStatus.INSTRUCTED: (payment.PaymentFailed,),
}


def fail_or_return(life: Life, project: Project) -> Fact | Posted | None:
    """End a payment without success, or return a confirmed payment."""
    open_payments = in_flight(project)
    name = life.pick_any(open_payments if open_payments and life.chance(60) else project.payments)
    if name is None:
        return None
    if project.payments[name].status is PaymentStatus.CONFIRMED:
        ended = project.closed or project.payments[name].award in project.ended
        return return_payment(life, project, name) if life.chance(90 if ended else 30) else None
    kinds = UNSUCCESSFUL_ENDS.get(project.payments[name].status, ())
    if not kinds or life.chance(10):
        kinds = (payment.PaymentRejected, payment.PaymentCancelled, payment.PaymentFailed)
    by = life.other_than(project.payments[name].by.actor)
    return life.post(life.pick(kinds)(name, "随机"), f"project/{project.code}", by=by)


def return_payment(life: Life, project: Project, name: str) -> Fact | None:
    paid = project.paid(name).total
    if not paid:
        return None
    if life.chance(80 if project.payments[name].award in project.ended else 50):
        return payment.PaymentReturned(name, Money(paid), passive=True, reason="退票", year=life.day.year)
    return payment.PaymentReturned(name, life.amount(paid + 3), passive=False, reason="退款")


def order_recovery(life: Life, project: Project) -> Fact | None:
    """Order the recovery of a payment's money."""
    paid = [name for name, each in project.payments.items() if each.status is PaymentStatus.CONFIRMED]
    name = life.pick_any(paid)
    if name is None or not project.paid(name):
        return None
    due_on = life.day + timedelta(days=30)
    amount = life.amount(project.paid(name).total + 3)
    return recovery.RecoveryOrdered(new_name("R", project.recoveries), name, amount, due_on, "随机")


def settle_recovery(life: Life, project: Project) -> Posted | None:
    """Receive or waive a recovery, wholly or in part."""
    outstanding = [name for name, _ in project.all_outstanding()]
    name = life.pick_any(outstanding)
    return receive_or_waive(life, project, name, life.chance(40)) if name else None


def receive_or_waive(life: Life, project: Project, name: str, whole: bool) -> Posted:
    left, stream = project.outstanding(name), f"project/{project.code}"
    amount = Money(left) if whole else life.amount(left)
    if life.chance(60):
        return life.post(recovery.RecoveryReceived(name, amount), stream)
    by = life.other_than(project.recoveries[name].by.actor)
    return life.post(recovery.RecoveryWaived(name, amount, "无力退回"), stream, by=by)


def return_ordered(life: Life, project: Project) -> Fact | None:
    """The payee returns a part of the money of a payment whose recovery is ordered."""
    ordered = [each.payment for each in project.recoveries.values() if project.paid(each.payment).total > 1]
    name = life.pick_any(ordered)
    if name is None:
        return None
    return payment.PaymentReturned(name, life.amount(project.paid(name).total - 1), passive=False, reason="退款")


def waive_all(life: Life, project: Project) -> Posted | None:
    """Waive the whole outstanding amount of a recovery."""
    name = life.pick_any(name for name, _ in project.all_outstanding())
    if name is None:
        return None
    waived = recovery.RecoveryWaived(name, Money(project.outstanding(name)), "无力退回")
    return life.post(waived, f"project/{project.code}", by=life.other_than(project.recoveries[name].by.actor))


def extend_recovery(life: Life, project: Project) -> Fact | None:
    """Put off the due day of a recovery."""
    name = life.pick_any(name for name, _ in project.all_outstanding())
    if name is None:
        return None
    due_on = project.recoveries[name].due_on
    return recovery.RecoveryExtended(name, due_on + timedelta(days=life.random.randint(0, 30)))


OF_RECOVERY = {order_recovery: 3, settle_recovery: 2, return_ordered: 1, waive_all: 1, extend_recovery: 1}
PAYMENT_STEPS = {request: 8, advance: 16, confirm_by_number: 2, fail_or_return: 3, **OF_RECOVERY}
PAYMENT_STEPS_AFTER_CLOSING = {fail_or_return: 3, **OF_RECOVERY}
