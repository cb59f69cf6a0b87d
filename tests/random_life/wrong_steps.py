"""Steps of what went wrong and of what stands apart: holds, unordered payments, findings, irregular posts, interest."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from domain.decision import left_out_for
from domain.documents import Document
from domain.event import Fact, FoundBy, Irregularity, Posted, Reference
from domain.finding import FindingKind, FindingRecorded, FindingSettled, SettledBy
from domain.fund.interest import InterestReceived, InterestSurrendered
from domain.money import MAX_FEN, Money
from domain.posting import COMMITTED, INTEREST, LINE, PAYABLE, POOL
from domain.project.hold import FundsHeld, HoldReleased
from domain.project.payment import PaymentRequested
from domain.project.recovery import RecoveryOrdered, RecoveryReceived, RecoveryWaived
from domain.project.unordered import UnorderedPaymentFound
from domain.state.entities import PaymentStatus
from domain.state.fund import USUAL_MAX_TOTAL
from domain.state.project import Project
from tests.lives import actual, payee
from tests.random_life.award_steps import pick_award
from tests.random_life.base import Life
from tests.random_life.invalid_fund_steps import InvalidStep, StepResult
from tests.random_life.payment_steps import in_flight, next_of_payment
from tests.random_life.round_steps import new_name


def hold(life: Life, project: Project) -> Fact | None:
    """A hold on an award or on the whole project, mostly up to a small amount."""
    if project.standing_holds or life.chance(50):
        return None
    amount = life.amount() if life.chance(85) else None
    until = life.day + timedelta(days=30) if life.chance(50) else None
    award = pick_award(life, project) if life.chance(70) else None
    return FundsHeld(new_name("H", project.holds), "法院", "保全", award, amount, until)


def release(life: Life, project: Project) -> Fact | None:
    name = life.pick_any(project.standing_holds)
    return HoldReleased(name, "期满") if name else None


def find_unordered_payment(life: Life, project: Project) -> Fact | None:
    """A payment that nobody ordered, out of an account that has money."""
    award = pick_award(life, project)
    line = life.fund.lines.get(project.code)
    if award is None or line is None or life.chance(60):
        return None
    batch = life.pick(line.batches).batch
    account = life.pick((PAYABLE, COMMITTED, LINE, POOL))
    accounts = life.fund.accounts if account == POOL else project.accounts
    held = accounts.balance(account, project.place(award, batch))
    repeats = life.pick_any(n for n, each in project.payments.items() if each.status is PaymentStatus.CONFIRMED)
    amount = life.amount(min(held + 1, 20))
    name = new_name("U", project.payments)
    return UnorderedPaymentFound(name, award, batch, account, amount, actual("other"), "重复执行", repeats)


def record_finding(life: Life, project: Project) -> Posted:
    stream, owner = (f"project/{project.code}", project) if life.chance(70) else ("fund/f", life.fund)
    about = (Reference("project/p", 1),) if life.chance(50) else ()
    due_on = life.day + timedelta(days=60) if life.chance(50) else None
    name = new_name("W", owner.findings)
    fact = FindingRecorded(name, life.pick(tuple(FindingKind)), "抽查发现", "审计局", about, due_on=due_on)
    return life.post(fact, stream)


def settle_finding(life: Life, project: Project) -> Posted | None:
    for stream, owner in ((f"project/{project.code}", project), ("fund/f", life.fund)):
        name = life.pick_any(name for name, each in owner.findings.items() if not each.settled)
        if name:
            return life.post(FindingSettled(name, life.pick(tuple(SettledBy)), "已整改"), stream)
    return None


def receive_interest(life: Life, _: Project) -> Fact | None:
    return InterestReceived(life.amount(20), until=life.day) if life.chance(40) else None


def surrender_interest(life: Life, _: Project) -> Fact | None:
    held = life.fund.accounts.balance(INTEREST)
    return InterestSurrendered(life.amount(held)) if held else None


def order_with_interest(life: Life, project: Project) -> Fact | None:
    """An order to pay back some money and interest besides."""
    paid = [n for n, each in project.payments.items() if each.status is PaymentStatus.CONFIRMED and project.paid(n)]
    name = life.pick_any(paid)
    if name is None:
        return None
    amount, due_on = life.amount(project.paid(name).total), life.day + timedelta(days=30)
    return RecoveryOrdered(new_name("R", project.recoveries), name, amount, due_on, "随机", life.amount(9))


def settle_interest(life: Life, project: Project) -> Posted | None:
    """Interest that an order demands comes in, or is waived, mostly with some of the principal."""
    name = life.pick_any(name for name in project.recoveries if project.interest_outstanding(name) > 0)
    if name is None:
        return None
    return receive_or_waive_interest(life, project, name)


def receive_or_waive_interest(life: Life, project: Project, name: str) -> Posted:
    left, stream = max(project.outstanding(name), 0), f"project/{project.code}"
    interest = Money(project.interest_outstanding(name))
    principal = Money(left) if life.chance(60) else Money()
    if life.chance(60):
        return life.post(RecoveryReceived(name, principal, interest=interest), stream)
    by = life.other_than(project.recoveries[name].by.actor)
    return life.post(RecoveryWaived(name, principal, "无力退回", interest=interest), stream, by=by)


def irregular(rule: str) -> Irregularity:
    return Irregularity(rule, FoundBy.AUDIT, Document("审计报告", "示例审〔2020〕1号"))


def pay_behind_the_gate(life: Life, project: Project) -> Posted | None:
    """A payment of money whose gate is shut, recorded by another person than decided the award."""
    committed = sorted(at for at in project.accounts.holdings if at.account == COMMITTED)
    if not committed or life.chance(50):
        return None
    at = life.pick(committed)
    award, batch = str(at.place.award), at.place.batch or 0
    amount = life.amount(project.accounts.holdings[at].total)
    fact = PaymentRequested(new_name("P", project.payments), award, batch, amount, project.awards[award].payee)
    posted = life.post(fact, f"project/{project.code}", by=life.other_than(project.awards[award].by.actor))
    return _marked(posted, "GateShut")


def pay_irregularly(life: Life, project: Project) -> Posted | None:
    """A step of a payment, marked with a rule that it broke: mostly one that would have refused it."""
    name = life.pick_any(in_flight(project))
    if name is None or life.chance(70):
        return None
    posted = next_of_payment(life, project, name)
    rules = [rule.__name__ for rule in left_out_for(type(posted.fact))]
    return _marked(posted, life.pick(rules)) if rules else None


def request_irregularly(life: Life, project: Project) -> Posted | None:
    """A request of a payment to somebody else, marked so."""
    payable = sorted(at for at in project.accounts.holdings if at.account == PAYABLE)
    if not payable or life.chance(70):
        return None
    at = life.pick(payable)
    award, amount = str(at.place.award), life.amount(project.accounts.holdings[at].total)
    fact = PaymentRequested(new_name("P", project.payments), award, at.place.batch or 0, amount, payee("third"))
    posted = life.post(fact, f"project/{project.code}", by=life.other_than(project.awards[award].by.actor))
    return _marked(posted, "PayeeMismatch")


def _marked(posted: Posted, rule: str) -> Posted:
    return replace(posted, header=replace(posted.header, irregular=(irregular(rule),)))


WRONG_STEPS = {
    hold: 1, release: 5, find_unordered_payment: 1, record_finding: 1, settle_finding: 1, receive_interest: 1,
    surrender_interest: 1, order_with_interest: 1, settle_interest: 1, pay_behind_the_gate: 1, pay_irregularly: 1,
    request_irregularly: 1,
}  # fmt: skip
WRONG_STEPS_AFTER_CLOSING = {
    hold: 1, release: 1, find_unordered_payment: 1, record_finding: 1, settle_finding: 1, receive_interest: 1,
    surrender_interest: 1, order_with_interest: 1, settle_interest: 1,
}  # fmt: skip

# Invalid on purpose ------------------------------------------------------------


def _pay_held_money(life: Life, project: Project) -> StepResult:
    """A request of all payable money of an award under a hold; while there is no hold, a hold of all."""
    payable = sorted(at for at in project.accounts.holdings if at.account == PAYABLE)
    if not payable:
        return None
    at = life.pick(payable)
    award = str(at.place.award)
    if not any(project.holds[name].award in (None, award) for name in project.standing_holds):
        return FundsHeld(new_name("H", project.holds), "法院", "保全", award)
    amount = Money(project.accounts.holdings[at].total)
    to = project.awards[award].payee
    return PaymentRequested(new_name("P", project.payments), award, at.place.batch or 0, amount, to)


def _release_again(life: Life, project: Project) -> StepResult:
    name = life.pick_any(set(project.holds) - project.standing_holds)
    return HoldReleased(name, "再次解除") if name else None


def _settle_again(life: Life, project: Project) -> StepResult:
    name = life.pick_any(name for name, each in project.findings.items() if each.settled)
    fact = FindingSettled(name or "", SettledBy.EXPLAINED, "再次销号")
    return life.post(fact, f"project/{project.code}") if name else None


def _receive_more_than_the_ceiling(life: Life, _: Project) -> StepResult:
    ceiling = max(*life.fund.settings.ceilings, USUAL_MAX_TOTAL)
    return InterestReceived(Money(ceiling + 1)) if ceiling < MAX_FEN else None


def _receive_nothing(life: Life, project: Project) -> StepResult:
    name = life.pick_any(project.recoveries)
    return RecoveryReceived(name, Money()) if name else None


def _receive_too_much_interest(life: Life, project: Project) -> StepResult:
    name = life.pick_any(project.recoveries)
    return RecoveryReceived(name, Money(), interest=Money(10**6)) if name else None


def _mark_what_is_right(life: Life, project: Project) -> StepResult:
    return _marked(life.post(HoldReleased("H", "无"), f"project/{project.code}"), "GateShut")


INVALID_WRONG_STEPS: dict[str, InvalidStep] = {
    "HoldStands": _pay_held_money,
    "HoldReleasedAlready": _release_again,
    "FindingSettledAlready": _settle_again,
    "InterestTooLarge": _receive_more_than_the_ceiling,
    "NothingReceived": _receive_nothing,
    "MoreThanInterest": _receive_too_much_interest,
    "NotIrregular": _mark_what_is_right,
}
