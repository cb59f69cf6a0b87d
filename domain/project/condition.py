"""The conditions on the way to a payment: of the award, its notice, its gate, its payee and its money."""

from __future__ import annotations

from typing import Any

from domain.decision_context import Context
from domain.event import Reference
from domain.guard import Evidence, Guard
from domain.money import Money
from domain.posting import COMMITTED, IN_FLIGHT, PAYABLE
from domain.project.waiver import key, waived
from domain.rules.acceptance import AcceptanceStatusWrong, EarlierBatchesUnsettled, NoTriesLeft, RectificationOverdue
from domain.rules.award import AwardEnded, AwardNotShown
from domain.rules.call import ObjectionOpen, ObjectionUpheld
from domain.rules.every_post import BalanceTooSmall, BeforeItsCause, UnknownName
from domain.rules.fund import BatchNotInPlan, FundIsClosed, NotInPlan
from domain.rules.payment import GateShut, PayeeMismatch
from domain.rules.project import ProjectIsClosed
from domain.rules.waiver import SamePerson
from domain.state.entities import Acceptance
from domain.state.fund import Gate
from domain.state.project import Project


def _is_open(context: Context, project: Project, _: Any) -> Evidence:
    project.must_be_open()
    if context.ledger.fund(project.fund).closed:
        raise FundIsClosed(fund=project.fund)
    return (Reference(context.stream, 1),)


OPEN = Guard("The project and its fund are open.", "项目和专项资金未结项。", (ProjectIsClosed, FundIsClosed), _is_open)
"""What refuses nearly everything on a project."""


def _is_live(context: Context, project: Project, fact: Any) -> Evidence:
    award = project.live_award(fact.award)
    context.not_before("AwardListDecided", award.decided.on)
    return (Reference(context.stream, award.decided.version),)


def _was_shown(context: Context, project: Project, fact: Any) -> Evidence:
    shown = project.shown(fact.award)
    if shown is None:
        raise AwardNotShown(award=fact.award)
    context.not_before("NoticeCompleted", shown.completed.on)
    return (Reference(context.stream, shown.started), Reference(context.stream, shown.completed.version))


def _is_not_objected_to(_: Context, project: Project, fact: Any) -> Evidence:
    name = project.award(fact.award).application
    application = project.applications[name]
    if application.excluded:
        raise ObjectionUpheld(application=name)
    for objection in sorted(project.open_objections):
        if name in project.objections[objection].concerns:
            raise ObjectionOpen(objections=objection)
    return ()


def _is_planned(context: Context, project: Project, fact: Any) -> Evidence:
    fund = context.ledger.fund(project.fund)
    fund.line(project.code).batch(fact.batch)
    assert fund.plan is not None, "a line is in the plan"
    return (Reference(f"fund/{fund.code}", fund.plan),)


def _gate_is_open(context: Context, project: Project, fact: Any) -> Evidence:
    gate = context.ledger.fund(project.fund).line(project.code).batch(fact.batch).gate
    opened = project.award(fact.award).gates.get(gate)
    if opened is None:
        raise GateShut(award=fact.award, batch=fact.batch, gate=gate)
    context.not_before(f"gate {gate}", opened.on)
    return (Reference(context.stream, opened.version),)


def _payee_is_awarded(context: Context, project: Project, fact: Any) -> Evidence:
    award = project.award(fact.award)
    if fact.payee == award.payee:
        context.not_before("PayeeChanged", award.payee_by.on)
        return (Reference(context.stream, award.payee_by.version),)
    if not waived(context, project, PayeeMismatch, "award", fact.award):
        raise PayeeMismatch(payee=str(fact.payee), awarded=str(award.payee))
    return (Reference(context.stream, project.waivers[key("PayeeMismatch", "award", fact.award)].version),)


def allowed_payee(project: Project, fact: Any) -> bool:
    """Whether what is paid to `fact`'s payee is the award's, or another was allowed."""
    waiver = key("PayeeMismatch", "award", fact.award)
    return fact.payee == project.award(fact.award).payee or waiver in project.waivers


def _money_is_payable(_: Context, project: Project, fact: Any) -> Evidence:
    place = project.place(fact.award, fact.batch)
    payable = project.accounts.balance(PAYABLE, place)
    if fact.amount > payable:
        raise BalanceTooSmall(account=PAYABLE, place=str(place), available=payable, amount=fact.amount)
    return ()


LIVE = Guard("The award is live.", "立项有效。", (UnknownName, AwardEnded, BeforeItsCause), _is_live)
NOT_OBJECTED_TO = Guard(
    "No objection to it is open or was upheld.",
    "没有对其未处理或成立的异议。",
    (ObjectionUpheld, ObjectionOpen),
    _is_not_objected_to,
)
ENOUGH = Guard("Enough is payable.", "应付余额足够。", (BalanceTooSmall,), _money_is_payable)
PAYEE = Guard(
    "The payee is the award's, or another was allowed.",
    "收款人与立项一致，或已批准例外。",
    (PayeeMismatch, SamePerson, BeforeItsCause),
    _payee_is_awarded,
)
PAYMENT = (
    LIVE,
    Guard(
        "The award was shown to the public, and the notice is completed.",
        "立项已公示且公示期满。",
        (AwardNotShown, BeforeItsCause),
        _was_shown,
    ),
    NOT_OBJECTED_TO,
    Guard(
        "The plan in force has the batch for this project.",
        "现行计划为本项目列有该批次。",
        (NotInPlan, BatchNotInPlan),
        _is_planned,
    ),
    Guard(
        "The gate that the batch is paid behind is open.",
        "该批次的拨付条件已满足。",
        (GateShut, BeforeItsCause),
        _gate_is_open,
    ),
    PAYEE,
    ENOUGH,
)
"""What a payment's request is refused by, in this order."""


def _may_be_asked(context: Context, project: Project, fact: Any) -> Evidence:
    award = project.award(fact.award)
    wanted = (Acceptance.NONE, Acceptance.RECTIFYING)
    if award.acceptance not in wanted:
        raise AcceptanceStatusWrong(award=fact.award, status=award.acceptance, wanted=" / ".join(wanted))
    context.not_before(f"acceptance {award.acceptance}", award.since)
    return _by(context, award.acceptance_by)


def _by(context: Context, *versions: int | None) -> Evidence:
    return tuple(Reference(context.stream, version) for version in versions if version is not None)


def _has_tries_left(context: Context, project: Project, fact: Any) -> Evidence:
    """The settings' tries; a waiver of the rule allows one more."""
    award, allowed = project.award(fact.award), context.ledger.fund(project.fund).settings.acceptance_tries
    if award.failures < allowed:
        return ()
    more = int(waived(context, project, NoTriesLeft, "award", fact.award))
    if award.failures >= allowed + more:
        raise NoTriesLeft(award=fact.award, failed=award.failures, allowed=allowed + more)
    return _by(context, project.waivers[key("NoTriesLeft", "award", fact.award)].version)


def _is_in_time(context: Context, project: Project, fact: Any) -> Evidence:
    award = project.award(fact.award)
    if award.rectify_by and context.occurred_on > award.rectify_by:
        raise RectificationOverdue(award=fact.award, due_on=award.rectify_by, occurred_on=context.occurred_on)
    return _by(context, award.due_by)


def _earlier_is_settled(context: Context, project: Project, fact: Any) -> Evidence:
    paid = project.paid_on.get(fact.award)
    if paid:
        context.not_before("PaymentConfirmed", max(paid.values()))
    for batch in context.ledger.fund(project.fund).line(project.code).batches:
        place = project.place(fact.award, batch.batch)
        unpaid = sum(project.accounts.balance(account, place) for account in (COMMITTED, PAYABLE, *IN_FLIGHT))
        if unpaid and batch.gate is not Gate.ACCEPTANCE:
            if not waived(context, project, EarlierBatchesUnsettled, "award", fact.award):
                raise EarlierBatchesUnsettled(award=fact.award, batch=batch.batch, amount=Money(unpaid))
            return _by(context, project.waivers[key("EarlierBatchesUnsettled", "award", fact.award)].version)
    return _by(context, *sorted(project.payments[name].version for name in paid or ()))


ACCEPTANCE = (
    LIVE,
    Guard(
        "Acceptance is not under way or passed; after a failure, rectification is ordered.",
        "验收未在进行且未通过；未通过的已责令整改。",
        (AcceptanceStatusWrong, BeforeItsCause),
        _may_be_asked,
    ),
    Guard(
        "A try is left, or more were allowed.",
        "验收次数未用完，或已批准增加。",
        (NoTriesLeft, SamePerson),
        _has_tries_left,
    ),
    Guard("A rectification is not overdue.", "整改未逾期。", (RectificationOverdue,), _is_in_time),
    Guard(
        "What does not wait for acceptance is paid, or that was waived.",
        "不以验收为条件的批次已付清，或已批准例外。",
        (EarlierBatchesUnsettled, BeforeItsCause, NotInPlan, SamePerson),
        _earlier_is_settled,
    ),
)
"""What a request for acceptance is refused by, in this order."""
