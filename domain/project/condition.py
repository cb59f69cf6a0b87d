"""The guards of a request for payment (award, notice, plan, gate, payee, money) and of a request for acceptance."""

from __future__ import annotations

from typing import Any

from domain.decision_context import Context
from domain.event import Reference
from domain.guard import Evidence, Guard
from domain.money import Money
from domain.posting import COMMITTED, IN_FLIGHT, PAYABLE
from domain.project.checkpoint import checkpoint_of
from domain.project.waiver import above_limit, allowed, key, waived, waived_for
from domain.rules.acceptance import (
    AcceptanceStatusWrong,
    CheckpointOutOfTurn,
    EarlierBatchesUnsettled,
    NoTriesLeft,
    RectificationOverdue,
)
from domain.rules.award import AboveNotice, AwardEnded, AwardNotShown
from domain.rules.call import ObjectionOpen, ObjectionUpheld
from domain.rules.every_post import BalanceTooSmall, BeforeItsCause, UnknownName
from domain.rules.fund import BatchNotInPlan, FundIsClosed, NotInPlan
from domain.rules.hold import HoldStands
from domain.rules.payment import GateShut, PayeeMismatch
from domain.rules.project import ProjectIsClosed
from domain.rules.waiver import SamePerson, WaiverUsedUp
from domain.state.entities import Acceptance
from domain.state.fund import Gate
from domain.state.project import Project


def _is_open(context: Context, project: Project, _: Any) -> Evidence:
    project.must_be_open()
    if context.ledger.fund(project.fund).closed:
        raise FundIsClosed(fund=project.fund)
    return (Reference(context.stream, 1),)


OPEN = Guard("The project and its fund are open.", "项目和专项资金未结项。", (ProjectIsClosed, FundIsClosed), _is_open)
"""The guard of events that may be recorded only while their project and its fund are open (Allowed.WHILE_OPEN)."""


def _is_live(context: Context, project: Project, fact: Any) -> Evidence:
    award = project.live_award(fact.award)
    context.not_before("AwardListDecided", award.decided.on)
    return (Reference(context.stream, award.decided.version),)


def _was_shown(context: Context, project: Project, fact: Any) -> Evidence:
    shown = project.shown(fact.award)
    if shown is None:
        context.improper(AwardNotShown(award=fact.award), fact.irregular)
        return ()
    context.not_before("NoticeCompleted", shown.completed.on)
    return (Reference(context.stream, shown.started), Reference(context.stream, shown.completed.version))


def notice_binds(context: Context, project: Project) -> bool:
    """Whether an award must not get more, and no more of it be paid, than the public notice showed.

    True unless the post is decided by the first edition of the rules or the fund's setting `notice_binds_amounts` is
    false.
    """
    settings = context.ledger.fund(project.fund).settings
    return context.header.edition > 1 and settings.notice_binds_amounts is not False


def within_notice(context: Context, project: Project, name: str, more: int = 0) -> Evidence:
    """Checks that the award `name` plus `more` fen does not exceed the amount that the last completed notice showed.

    Raises AboveNotice if it does, unless a waiver of AboveNotice allows the sum or the post names AboveNotice as
    irregular. No limit applies if no completed notice has listed the award, or if `notice_binds` is false. Returns the
    event of the waiver if the waiver was needed, otherwise no event. Raises SamePerson if the person who posts the
    event granted the waiver.
    """
    if not notice_binds(context, project):
        return ()
    if above := above_notice(project, name, more):
        context.improper(above)
        return ()
    shown, waiver = project.shown(name), waived(context, project, AboveNotice, "award", name)
    needed = waiver and shown and project.awarded.get(name, 0) + more > shown.amount
    return (Reference(context.stream, waiver.version),) if waiver and needed else ()


def above_notice(project: Project, name: str, more: int = 0) -> AboveNotice | None:
    """The refusal if the award `name` plus `more` fen exceeds the larger of two amounts; None if it does not.

    These are the amount that the last completed notice showed and the amount that a waiver of AboveNotice allows. None
    too if no completed notice has listed the award.
    """
    shown, amount = project.shown(name), project.awarded.get(name, 0) + more
    waiver = project.waivers.get(key(AboveNotice.__name__, "award", name))
    if shown is None or amount <= max(shown.amount, waiver.at_most or 0 if waiver else 0):
        return None
    return AboveNotice(application=project.award(name).application, shown=shown.amount, amount=Money(amount))


def _is_as_shown(context: Context, project: Project, fact: Any) -> Evidence:
    return within_notice(context, project, fact.award)


def _is_not_objected_to(context: Context, project: Project, fact: Any) -> Evidence:
    name = project.award(fact.award).application
    application = project.applications[name]
    if application.excluded:
        context.improper(ObjectionUpheld(application=name), fact.irregular)
    for objection in sorted(project.open_objections):
        if name in project.objections[objection].concerns:
            received = project.objections[objection].received.version
            context.improper(ObjectionOpen(objections=objection), _broken_before(fact, received))
    return ()


def _is_not_held(context: Context, project: Project, fact: Any) -> Evidence:
    """Checks that enough stays unpaid for each hold on the award or the project. Raises HoldStands."""
    for name in sorted(project.standing_holds):
        hold = project.holds[name]
        if hold.award not in (None, fact.award):
            continue
        left = project.unpaid(hold.award) - fact.amount
        if hold.amount is None or left < hold.amount:
            held = "all" if hold.amount is None else str(hold.amount)
            refusal = HoldStands(hold=name, held=held, left=Money(max(left, 0)), amount=Money(fact.amount))
            context.improper(refusal, _broken_before(fact, hold.stands_since.version))
    return ()


def _broken_before(fact: Any, since: int) -> tuple[str, ...]:
    """The rules that the payment's request broke, or none if the obstacle is newer than the request.

    `since` is the version of the event that made the obstacle, such as an objection or a hold.
    """
    return fact.irregular if since < fact.first_version else ()


def _is_planned(context: Context, project: Project, fact: Any) -> Evidence:
    fund = context.ledger.fund(project.fund)
    fund.line(project.code).batch(fact.batch)
    assert fund.plan is not None, "a fund with plan lines has a plan in force"
    return (Reference(f"fund/{fund.code}", fund.plan),)


def _gate_is_open(context: Context, project: Project, fact: Any) -> Evidence:
    line = context.ledger.fund(project.fund).line(project.code)
    gate = line.batch(fact.batch).gate
    opened = project.award(fact.award).gates.get(line.gate(gate))
    if opened is None:
        context.improper(GateShut(award=fact.award, batch=fact.batch, gate=gate))
        return ()
    context.not_before(f"gate {gate}", opened.on)
    return (Reference(context.stream, opened.version),)


def _payee_is_awarded(context: Context, project: Project, fact: Any) -> Evidence:
    award = project.award(fact.award)
    if fact.payee == award.payee:
        context.not_before("PayeeChanged", award.payee_by.on)
        return (Reference(context.stream, award.payee_by.version),)
    found = waived_for(context, project, key("PayeeMismatch", "award", fact.award), fact.payee)
    if found is None:
        context.improper(PayeeMismatch(payee=str(fact.payee), awarded=str(award.payee)), fact.irregular)
        return ()
    if found.at_most is not None and (above := above_limit(project, fact, found.at_most)):
        context.improper(above, fact.irregular)
    return (Reference(context.stream, found.version),)


def allowed_payee(project: Project, fact: Any) -> bool:
    """Whether `fact.payee` is the payee of the award `fact.award`, or the one whom a waiver for this award allows."""
    if fact.payee == project.award(fact.award).payee:
        return True
    return allowed(project, key("PayeeMismatch", "award", fact.award), fact.payee) is not None


def _money_is_payable(context: Context, project: Project, fact: Any) -> Evidence:
    """Checks that the award has the requested amount in the batch. Raises BalanceTooSmall.

    The money must be in the account `payable`, or in `committed` if the batch's gate is shut.
    """
    place = project.place(fact.award, fact.batch)
    account = PAYABLE if gate_is_open(context, project, fact) else COMMITTED
    available = project.accounts.balance(account, place)
    if fact.amount > available:
        raise BalanceTooSmall(account=account, place=str(place), available=available, amount=fact.amount)
    return ()


def gate_is_open(context: Context, project: Project, fact: Any) -> bool:
    """Whether the gate of the batch `fact.batch` is open for the award `fact.award`.

    `fact` is an event or a payment, with the fields `award` and `batch`. Also returns true if the plan in force has no
    such batch for the project. Otherwise raises UnknownName if the award does not exist.
    """
    line = context.ledger.fund(project.fund).lines.get(project.code)
    batch = line.find(fact.batch) if line else None
    return line is None or batch is None or line.gate_of(batch) in project.award(fact.award).gates


LIVE = Guard("The award is live.", "立项有效。", (UnknownName, AwardEnded, BeforeItsCause), _is_live)
NOT_OBJECTED_TO = Guard(
    "No objection to the application is open or was upheld.",
    "没有对其未处理或成立的异议。",
    (ObjectionUpheld, ObjectionOpen),
    _is_not_objected_to,
)
ENOUGH = Guard("The payable balance covers the amount.", "应付余额足够。", (BalanceTooSmall,), _money_is_payable)
PAYEE = Guard(
    "The payee is the award's payee, or a waiver allows another.",
    "收款人与立项一致，或已批准例外。",
    (PayeeMismatch, WaiverUsedUp, SamePerson, BeforeItsCause),
    _payee_is_awarded,
)
NOT_HELD = Guard(
    "No hold keeps the money.",
    "资金未被冻结。",
    (HoldStands,),
    _is_not_held,
)
PAYMENT = (
    LIVE,
    Guard(
        "A completed public notice has listed the award's application.",
        "立项已公示且公示期满。",
        (AwardNotShown, BeforeItsCause),
        _was_shown,
    ),
    Guard(
        "The award is not above the amount that the public was shown, or this was waived.",
        "立项金额不超过公示金额，或已批准例外。",
        (AboveNotice, SamePerson),
        _is_as_shown,
    ),
    NOT_OBJECTED_TO,
    Guard(
        "The plan in force includes the batch for this project.",
        "现行计划为本项目列有该批次。",
        (NotInPlan, BatchNotInPlan),
        _is_planned,
    ),
    Guard(
        "The gate of the batch is open.",
        "该批次的拨付条件已满足。",
        (GateShut, BeforeItsCause),
        _gate_is_open,
    ),
    PAYEE,
    NOT_HELD,
    ENOUGH,
)
"""The guards of a request for payment, in the order in which they are checked."""


def _may_be_requested(context: Context, project: Project, fact: Any) -> Evidence:
    award = project.award(fact.award)
    check, required = award.check(checkpoint_of(fact)), (Acceptance.NONE, Acceptance.RECTIFYING)
    if check.status not in required:
        at = fact.checkpoint or Gate.ACCEPTANCE
        raise AcceptanceStatusWrong(award=fact.award, checkpoint=at, status=check.status, wanted=" / ".join(required))
    context.not_before(f"acceptance {check.status}", check.since or award.decided.on)
    return _by(context, check.version)


def _is_in_turn(context: Context, project: Project, fact: Any) -> Evidence:
    """Checks that the award passed all checkpoints before the checkpoint of `fact`. Raises CheckpointOutOfTurn.

    A waiver of CheckpointOutOfTurn allows any order. Returns the events by which the earlier checkpoints were passed
    and, if the waiver was needed, the event of the waiver. Raises SamePerson if the person who posts the event granted
    the waiver.
    """
    award, checkpoint = project.award(fact.award), checkpoint_of(fact)
    order = context.ledger.fund(project.fund).line(project.code).all_checkpoints
    passed: list[int | None] = []
    for earlier in order[: order.index(checkpoint)]:
        check = award.check(earlier)
        if check.status is not Acceptance.PASSED:
            if not waived(context, project, CheckpointOutOfTurn, "award", fact.award):
                raise CheckpointOutOfTurn(
                    award=fact.award, checkpoint=fact.checkpoint or checkpoint, earlier=earlier, status=check.status
                )
            return _by(context, *passed, project.waivers[key("CheckpointOutOfTurn", "award", fact.award)].version)
        context.not_before(f"acceptance {check.status}", check.since or award.decided.on)
        passed.append(check.version)
    return _by(context, *passed)


def _by(context: Context, *versions: int | None) -> Evidence:
    return tuple(Reference(context.stream, version) for version in versions if version is not None)


def _has_tries_left(context: Context, project: Project, fact: Any) -> Evidence:
    """Checks that the award failed at the checkpoint of `fact` fewer times than the fund allows. Raises NoTriesLeft.

    The fund's setting `acceptance_tries` is the number of attempts; a waiver of NoTriesLeft allows one more. Returns
    the event of the waiver if the waiver was needed, otherwise no event. Raises SamePerson if the person who posts the
    event granted the waiver.
    """
    check = project.award(fact.award).check(checkpoint_of(fact))
    tries = context.ledger.fund(project.fund).settings.acceptance_tries
    if check.failures < tries:
        return ()
    waiver = waived(context, project, NoTriesLeft, "award", fact.award)
    if waiver is None or check.failures > tries:
        allowed_tries = tries + (waiver is not None)
        context.improper(NoTriesLeft(award=fact.award, failed=check.failures, allowed=allowed_tries))
        return ()
    return _by(context, waiver.version)


def _is_in_time(context: Context, project: Project, fact: Any) -> Evidence:
    check = project.award(fact.award).check(checkpoint_of(fact))
    if check.rectify_by and context.occurred_on > check.rectify_by:
        due_on = check.rectify_by
        context.improper(RectificationOverdue(award=fact.award, due_on=due_on, occurred_on=context.occurred_on))
    return _by(context, check.due_by)


def _earlier_is_settled(context: Context, project: Project, fact: Any) -> Evidence:
    paid = project.paid_on.get(fact.award)
    if paid:
        context.not_before("PaymentConfirmed", max(paid.values()))
    line = context.ledger.fund(project.fund).line(project.code)
    order = line.gates
    for batch in line.batches:
        if order.index(line.gate_of(batch)) >= order.index(checkpoint_of(fact)):
            continue
        place = project.place(fact.award, batch.batch)
        unpaid = sum(project.accounts.balance(account, place) for account in (COMMITTED, PAYABLE, *IN_FLIGHT))
        if unpaid:
            waiver = waived(context, project, EarlierBatchesUnsettled, "award", fact.award)
            if waiver is None:
                refusal = EarlierBatchesUnsettled(award=fact.award, batch=batch.batch, amount=Money(unpaid))
                context.improper(refusal)
                return ()
            return _by(context, waiver.version)
    return _by(context, *sorted(project.payments[name].version for name in paid or ()))


ACCEPTANCE = (
    LIVE,
    Guard(
        "Acceptance is neither requested nor passed; after a failure, rectification is ordered.",
        "验收未在进行且未通过；未通过的已责令整改。",
        (AcceptanceStatusWrong, BeforeItsCause),
        _may_be_requested,
    ),
    Guard(
        "The earlier checkpoints are passed, or this was waived.",
        "先前的检查点均已通过，或已批准例外。",
        (CheckpointOutOfTurn, BeforeItsCause, NotInPlan, SamePerson),
        _is_in_turn,
    ),
    Guard(
        "An attempt at acceptance is left, or a waiver allows another.",
        "验收次数未用完，或已批准增加。",
        (NoTriesLeft, SamePerson),
        _has_tries_left,
    ),
    Guard("Rectification is not overdue.", "整改未逾期。", (RectificationOverdue,), _is_in_time),
    Guard(
        "All batches behind earlier gates are fully paid, or this was waived.",
        "拨付条件在先的批次已付清，或已批准例外。",
        (EarlierBatchesUnsettled, BeforeItsCause, NotInPlan, SamePerson),
        _earlier_is_settled,
    ),
)
"""The guards of a request for acceptance, in the order in which they are checked."""
