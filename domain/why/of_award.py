"""Why a batch of an award is not paid yet: the next posts to finish payments, open the gate and request a payment."""

from __future__ import annotations

from collections.abc import Iterator

from domain.event import Fact
from domain.ledger_view import LedgerView
from domain.money import Money
from domain.posting import COMMITTED, IN_APPROVAL, IN_FLIGHT, IN_TRANSIT, PAID, PAYABLE
from domain.project.acceptance import AcceptancePassed, AcceptanceRequested, RectificationOrdered
from domain.project.amendment import AgreementSigned
from domain.project.condition import ACCEPTANCE, ENOUGH, LIVE, OPEN, PAYMENT
from domain.project.payment import AFTER_REQUEST, PaymentApproved, PaymentConfirmed, PaymentInstructed, PaymentRequested
from domain.state.entities import Acceptance, ActualPayee, Award, PaymentStatus
from domain.state.fund import Gate
from domain.state.project import Project
from domain.why.step import Answer, Sentence, Step, guarded

ACCOUNTS = (COMMITTED, PAYABLE, IN_APPROVAL, IN_TRANSIT, PAID)


def answer(ledger: LedgerView, project: Project, name: str, batch: int) -> Answer:
    place, award = project.place(name, batch), project.award(name)
    accounts = {account: project.accounts.balance(account, place) for account in ACCOUNTS}
    steps = list[Step]()
    if any(accounts[each] for each in IN_FLIGHT):
        steps += _under_way(ledger, project, name, batch)
    if accounts[COMMITTED]:
        steps += _opening(ledger, project, award, name, batch)
    if unpaid := Money(accounts[COMMITTED] + accounts[PAYABLE]):
        request = PaymentRequested("?", name, batch, unpaid, award.payee)
        # While the gate is closed nothing is payable, so ENOUGH would fail too; only the gate must be reported.
        guards = (each for each in PAYMENT if each is not ENOUGH or not accounts[COMMITTED])
        steps.append(guarded(ledger, project, request, (OPEN, *guards)))
    return Answer(accounts, _says(accounts), tuple(steps))


def _says(accounts: dict[str, Money]) -> Sentence:
    unpaid = Money(sum(accounts[account] for account in ACCOUNTS if account != PAID))
    paid = accounts[PAID]
    if unpaid:
        return Sentence(
            f"{unpaid} yuan is not paid yet; {paid} yuan is paid.", f"尚有 {unpaid} 元未付，已付 {paid} 元。"
        )
    if paid:
        return Sentence(f"All of it is paid: {paid} yuan.", f"已全部付清，共 {paid} 元。")
    return Sentence("The award has nothing in this batch.", "该立项在本批次没有资金。")


def _under_way(ledger: LedgerView, project: Project, award: str, batch: int) -> Iterator[Step]:
    """For each payment of `award` in `batch` that is in approval or in transit, the post that would take it further."""
    of = award, batch
    for at in sorted(
        at for at in project.accounts.holdings if at.account in IN_FLIGHT and (at.place.award, at.place.batch) == of
    ):
        name = str(at.place.payment)
        fact = _next(ledger, project, name)
        guards = AFTER_REQUEST if isinstance(fact, PaymentApproved | PaymentInstructed) else ()
        yield guarded(ledger, project, fact, guards, about=project.payments[name])


def _next(ledger: LedgerView, project: Project, name: str) -> Fact:
    payment = project.payments[name]
    levels = ledger.fund(project.fund).first_approvals if payment.levels is None else payment.levels
    if payment.status is PaymentStatus.INSTRUCTED:
        paid = project.accounts.fen(IN_TRANSIT, project.place(payment.award, payment.batch, name))
        to = payment.payee
        payee = ActualPayee(to.name, to.uscc, to.id_card, to.registration, account=to.account)
        return PaymentConfirmed(name, Money(paid.total), payee)
    if payment.status is PaymentStatus.APPROVED or not levels:
        return PaymentInstructed(name)
    return PaymentApproved(name, levels[len(payment.approved_by)])


def _opening(ledger: LedgerView, project: Project, award: Award, name: str, batch: int) -> Iterator[Step]:
    """The next posts toward opening the batch's shut gate, with their conditions. `name`: the award's name.

    If the gate is a checkpoint, the next post of each earlier checkpoint that is not passed comes first.
    """
    line = ledger.fund(project.fund).line(project.code)
    gate, order = line.gate_of(line.batch(batch)), line.all_checkpoints
    if gate == Gate.AGREEMENT:
        yield guarded(ledger, project, AgreementSigned(name, ledger.today, ledger.today), (OPEN, LIVE))
        return
    for checkpoint in order[: order.index(gate) + 1]:
        if award.check(checkpoint).status is not Acceptance.PASSED:
            yield _checked(ledger, project, award, name, checkpoint)


def _checked(ledger: LedgerView, project: Project, award: Award, name: str, checkpoint: str) -> Step:
    """The next post toward passing a checkpoint of the award."""
    which = None if checkpoint == Gate.ACCEPTANCE else checkpoint
    match award.check(checkpoint).status:
        case Acceptance.REQUESTED:
            return guarded(ledger, project, AcceptancePassed(name, which), (OPEN, LIVE))
        case Acceptance.FAILED:
            return guarded(ledger, project, RectificationOrdered(name, ledger.today, which), (OPEN, LIVE))
        case _:
            return guarded(ledger, project, AcceptanceRequested(name, which), (OPEN, *ACCEPTANCE))
