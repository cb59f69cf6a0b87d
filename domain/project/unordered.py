"""Payments that nobody ordered 账外支付: a voucher that the bank executed twice, or money that left without a request.

The money has left the bank account in any case. So the ledger moves it from the account that it was in to `paid`, and
opens a finding.
"""

from __future__ import annotations

from msgspec.structs import replace

from domain.decision_context import Context, Decision
from domain.event import Allowed, Fact, Recorded, Reversible
from domain.event import Restored as _Restored
from domain.finding import UNORDERED, opened_by
from domain.mirrors import FundsPaidOut
from domain.money import Money
from domain.posting import POOL, Accounts, move
from domain.project.lifecycle import ProjectFact
from domain.project.payment import with_confirmation
from domain.rules.every_post import BalanceTooSmall, BeforeItsCause, NameTaken, UnknownName
from domain.rules.fund import BatchNotInPlan, NotInPlan
from domain.rules.payment import PaymentStatusWrong
from domain.state.entities import ActualPayee, Payee, Payment, PaymentStatus
from domain.state.project import Project

# Events ----------------------------------------------------------------------


class UnorderedPaymentFound(ProjectFact, frozen=True):
    """The bank paid `amount` though no payment was instructed. `payment` is a new name for what it paid.

    `account` is the account that the money was in: `payable` or `committed` of the award in this batch, `line` of the
    batch, or the fund's `pool`. If no account holds enough, withdraw money of another line that is not awarded into the
    pool first (AllotmentWithdrawn), and give `pool`. `repeats` is the confirmed payment that the bank executed twice,
    if there is one. Money that is returned goes to the fund's account `recovered`; the rest can be claimed with
    RecoveryOrdered, like the money of any payment.
    """

    zh = "账外支付登记"
    about_zh = (
        "银行未经支付指令付出资金（如同一凭证重复执行）：从其所在账户转为已付，并自动登记一个问题。"
        "各账户余额都不足的，先收回其他项目尚未立项的额度（AllotmentWithdrawn），再从待分配资金转出。"
    )
    allowed = Allowed.ALWAYS
    reversible = Reversible(restores=lambda _, fact: (_Restored("payment", fact.payment),), by_another=True)
    records_too = ("FundsPaidOut",)
    cites = (("流水号",),)
    claims = ("流水号",)
    refused_by = (
        NameTaken,
        UnknownName,
        BeforeItsCause,
        PaymentStatusWrong,
        NotInPlan,
        BatchNotInPlan,
        BalanceTooSmall,
    )
    payment: str
    award: str
    batch: int
    account: str
    amount: Money
    payee: ActualPayee
    reason: str
    repeats: str | None = None


Event = UnorderedPaymentFound
FACTS: tuple[type[Fact], ...] = (Event,)

# Evolve ----------------------------------------------------------------------


def evolve(project: Project, fact: Event, event: Recorded) -> Project:
    on, to = event.header.occurred_on, fact.payee
    found = Payment(
        event.version,
        fact.award,
        fact.batch,
        Payee(to.name, to.uscc, to.id_card, to.registration, account=to.account),
        PaymentStatus.CONFIRMED,
        event.by,
        since=on,
        paid_in=event.booked_on.year,
        amount=fact.amount,
        unordered=fact.account,
    )
    project = with_confirmation(project.with_entity("payment", fact.payment, found), fact.payment, fact.award, on)
    project = replace(project, apart=project.apart | {fact.payment})
    return opened_by(project, event, UNORDERED)


# Decide ----------------------------------------------------------------------


def decide(context: Context, project: Project, fact: Event) -> Decision:
    fund = context.ledger.fund(project.fund)
    project.unused("payment", fact.payment)
    context.not_before("AwardListDecided", project.award(fact.award).decided.on)
    fund.line(project.code).batch(fact.batch)
    if fact.repeats is not None:
        repeated = project.payment(fact.repeats)
        if repeated.status is not PaymentStatus.CONFIRMED:
            raise PaymentStatusWrong(payment=fact.repeats, status=repeated.status, wanted=PaymentStatus.CONFIRMED)
    accounts: Accounts = fund.accounts if fact.account == POOL else project.accounts
    place = project.place(fact.award, fact.batch, fact.payment)
    moved = move(accounts, "UnorderedPaymentFound", place, fact.amount, fact.account)
    mirrors = ((f"fund/{project.fund}", FundsPaidOut(project.code, fact.amount)),) if fact.account == POOL else ()
    return context.allow(moved, mirrors=mirrors)
