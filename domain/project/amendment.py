"""Changes to an award after its decision: agreement, extension, amendment, change of payee, and early ending."""

from __future__ import annotations

from datetime import date
from typing import assert_never, get_args

from immutables import Map
from msgspec.structs import replace

from domain.decision_context import Context, Decision
from domain.event import Allowed, Fact, Recorded, Reversible, restores
from domain.money import Money
from domain.origin import OF_ORIGIN, of_origin
from domain.period import months_after
from domain.posting import GATE_OPEN, GATE_SHUT, PAID, move, rule
from domain.project.award import opened
from domain.project.checkpoint import checkpoint_of, named, with_check
from domain.project.condition import within_notice
from domain.project.lifecycle import ProjectFact
from domain.rules.acceptance import CheckpointNotInPlan
from domain.rules.award import (
    AboveNotice,
    AwardEnded,
    AwardInFlight,
    AwardPaid,
    EndMovedWithoutExtension,
    ExtensionTooLong,
    NothingToExtend,
)
from domain.rules.call import DeadlineNotLater, InvalidCode
from domain.rules.every_post import BalanceTooSmall, BeforeItsCause, UnknownName, WindowEmpty
from domain.rules.fund import BatchNotInPlan, NotInPlan
from domain.rules.payment import PayeeMismatch, PayeeUnchanged
from domain.rules.waiver import SamePerson
from domain.state.entities import Acceptance, Award, AwardStatus, Payee
from domain.state.fund import Gate, Line
from domain.state.project import Project

LIVE = (UnknownName, AwardEnded, BeforeItsCause)
"""The rules that may refuse an event because its award is unknown, has ended, or was decided after the event's day."""

# Events ----------------------------------------------------------------------


class AgreementSigned(ProjectFact, frozen=True):
    """The agreement of an award was signed: the award's gate `agreement` opens.

    The money committed behind the gate becomes payable. `starts_on` and `ends_on` are the first and the last day of the
    agreement. An agreement may be signed again, but with the same `ends_on`: only ExtensionGranted changes the last
    day.
    """

    zh = "合同签订"
    about_zh = "签订合同：以合同为拨付条件的批次转为应付。可以重新签订，但结束日只能由延期批准改变。"
    reversible = restores("award")
    cites = (("合同号",),)
    refused_by = (*LIVE, WindowEmpty, EndMovedWithoutExtension, NotInPlan)
    award: str
    starts_on: date
    ends_on: date


class ExtensionGranted(ProjectFact, frozen=True):
    """An extension was granted: of the agreement, of the rectification, or of both.

    `ends_on` is the new last day of the agreement. If the fund's setting `extension_months` is set, `ends_on` may be at
    most that number of months after the last day that was agreed first. `due_on` is the new last day of the
    rectification. At least one of `ends_on` and `due_on` is required, and each must be later than the day that it
    replaces. `checkpoint` is the checkpoint whose rectification is extended; if it is omitted, the last one.
    """

    zh = "延期批准"
    about_zh = "批准延期：延长合同结束日（自最初约定的结束日起不超过规则参数所定月数），或延长整改期限。"
    reversible = restores("award")
    cites = (("合同号", "批复"),)
    refused_by = (*LIVE, NothingToExtend, DeadlineNotLater, ExtensionTooLong, NotInPlan, CheckpointNotInPlan)
    award: str
    ends_on: date | None = None
    due_on: date | None = None
    checkpoint: str | None = None
    last: bool | None = None


class AwardAmended(ProjectFact, frozen=True):
    """The amount of an award in one batch was increased or reduced by `amount`.

    If `increase` is true, the money comes from the line. If it is false, unpaid money of the award returns to the line.
    If `funding_source` or `appropriation` is given, only money of that source or appropriation moves. An increase must
    not raise the award above the amount that the last completed notice showed for it, unless a waiver of AboveNotice
    allows the new amount or the fund's setting `notice_binds_amounts` is false. A supplementary notice can show a
    larger amount.
    """

    zh = "立项金额调整"
    about_zh = "调整立项金额：从项目额度追加，或将未付部分退回项目额度。"
    reversible = Reversible(in_part=True)
    cites = (("纪要",),)
    apart_from = ("WaiverGranted",)
    refused_by = (*LIVE, NotInPlan, BatchNotInPlan, AboveNotice, SamePerson, *OF_ORIGIN, BalanceTooSmall)
    award: str
    batch: int
    increase: bool
    amount: Money
    reason: str
    funding_source: str | None = None
    appropriation: int | None = None


class PayeeChanged(ProjectFact, frozen=True):
    """The payee of an award changed from `old` to `new`. Two people must agree: the post's `actor` and `approver`."""

    zh = "收款人变更"
    about_zh = "变更收款人或其账户，须由经办人和批准人两人负责；有在途支付时不得变更。"
    reversible = restores("award", by_another=True)
    cites = (("变更函",),)
    refused_by = (*LIVE, NotInPlan, AwardInFlight, PayeeMismatch, PayeeUnchanged, InvalidCode, SamePerson)
    award: str
    old: Payee
    new: Payee
    approver: str


class AwardDeclined(ProjectFact, frozen=True):
    """The awardee declined an award of which nothing is paid. The money of the award returns to the line.

    The award no longer counts toward the award limit of the plan.
    """

    zh = "放弃立项"
    about_zh = "获立项单位在拨付之前放弃：资金退回项目额度，名额空出。"
    reversible = restores("award")
    cites = (("放弃函",),)
    refused_by = (*LIVE, AwardInFlight, AwardPaid)
    award: str
    reason: str


class AwardRevoked(ProjectFact, frozen=True):
    """An award of which nothing is paid was revoked. Its unpaid money returns to the line.

    The award no longer counts toward the award limit of the plan. After the project is closed, an award can be revoked
    even if some of it is paid. Then the paid money does not move: it must be claimed with RecoveryOrdered, and the
    award counts until that money has come back.
    """

    zh = "撤销立项"
    about_zh = "在拨付之前撤销立项：资金退回项目额度，名额空出；项目结项后已拨付的也可撤销，资金另行追缴。"
    allowed = Allowed.ALWAYS
    reversible = restores("award")
    cites = (("撤销文号",),)
    refused_by = (*LIVE, AwardInFlight, AwardPaid)
    award: str
    reason: str


class AwardTerminated(ProjectFact, frozen=True):
    """The award was terminated early. Unpaid money returns to the line; paid money stays paid unless recovered."""

    zh = "终止立项"
    allowed = Allowed.ALWAYS
    about_zh = "提前终止立项：未付资金退回项目额度；已付的另行追缴。"
    reversible = restores("award")
    cites = (("终止文号",),)
    refused_by = (*LIVE, AwardInFlight)
    award: str
    reason: str


Ending = AwardDeclined | AwardRevoked | AwardTerminated
Stepping = AgreementSigned | ExtensionGranted | PayeeChanged | Ending
Event = Stepping | AwardAmended
FACTS: tuple[type[Fact], ...] = get_args(Event)

ENDINGS: dict[type[Fact], AwardStatus] = {
    AwardDeclined: AwardStatus.DECLINED,
    AwardRevoked: AwardStatus.REVOKED,
    AwardTerminated: AwardStatus.TERMINATED,
}

# Evolve ----------------------------------------------------------------------


def evolve(project: Project, fact: Event, event: Recorded) -> Project:
    if isinstance(fact, AwardAmended):
        return project
    changes = _changes(project.awards[fact.award], fact, event)
    project = project.step("award", fact.award, event.version, **changes)
    if isinstance(fact, Ending):
        return replace(project, ended=project.ended | {fact.award})
    return project


def _changes(award: Award, fact: Stepping, event: Recorded) -> dict[str, object]:
    match fact:
        case AgreementSigned():
            first = award.gates.get(Gate.AGREEMENT, event.cause)
            end = {"ends_on": fact.ends_on, "ends_by": event.version, "first_end": award.first_end or fact.ends_on}
            return {"gates": award.gates.set(Gate.AGREEMENT, first), **end}
        case ExtensionGranted():
            end = {"ends_on": fact.ends_on, "ends_by": event.version} if fact.ends_on else {}
            due = {"rectify_by": fact.due_on, "due_by": event.version} if fact.due_on else {}
            return {**end, "checks": with_check(award, checkpoint_of(fact), **due)} if due else end
        case PayeeChanged():
            return {"payee": fact.new, "payee_by": event.cause}
        case AwardDeclined() | AwardRevoked() | AwardTerminated():
            return {"status": ENDINGS[type(fact)]}
        case _:
            assert_never(fact)


# Decide ----------------------------------------------------------------------


def decide(context: Context, project: Project, fact: Event) -> Decision:
    award = project.live_award(fact.award)
    context.not_before("AwardListDecided", award.decided.on)
    if isinstance(fact, ExtensionGranted):
        return _extend(context, project, award, named(context, project, fact))
    if isinstance(fact, Ending):
        return _end(context, project, fact)
    line = context.ledger.fund(project.fund).line(project.code)
    match fact:
        case AgreementSigned():
            return _sign(context, project, line, fact)
        case AwardAmended():
            return _amend(context, project, line, fact)
        case PayeeChanged():
            return _change_payee(context, project, line, fact)
        case _:
            assert_never(fact)


def _sign(context: Context, project: Project, line: Line, fact: AgreementSigned) -> Decision:
    if fact.ends_on < fact.starts_on:
        raise WindowEmpty(first_day=fact.starts_on, last_day=fact.ends_on)
    ends_on = project.awards[fact.award].ends_on
    if context.header.edition > 1 and ends_on and fact.ends_on != ends_on:
        raise EndMovedWithoutExtension(award=fact.award, ends_on=ends_on, asked=fact.ends_on)
    return context.allow(*opened(project, line, fact.award, Gate.AGREEMENT, "AgreementSigned"))


def _extend(context: Context, project: Project, award: Award, fact: ExtensionGranted) -> Decision:
    check = award.check(checkpoint_of(fact))
    due = check.rectify_by if check.status is Acceptance.RECTIFYING else None
    changes = ((fact.ends_on, award.ends_on, "AgreementSigned"), (fact.due_on, due, "RectificationOrdered"))
    if not any(new for new, _, _ in changes):
        raise NothingToExtend(award=fact.award)
    for new, old, what in changes:
        if new and old is None:
            raise NothingToExtend(award=fact.award)
        if new and old and new <= old:
            raise DeadlineNotLater(what=what, last_day=old, asked=new)
    if fact.ends_on:
        context.not_before("AgreementSigned", award.gates[Gate.AGREEMENT].on)
        _check_length(context, project, award, fact, fact.ends_on)
    if fact.due_on and check.since:
        context.not_before("RectificationOrdered", check.since)
    return context.allow(fact=fact)


def _check_length(context: Context, project: Project, award: Award, fact: ExtensionGranted, ends_on: date) -> None:
    months, first_end = context.ledger.fund(project.fund).settings.extension_months, award.first_end
    if months is not None and first_end and ends_on > (latest := months_after(first_end, months)):
        raise ExtensionTooLong(award=fact.award, first_end=first_end, latest=latest, asked=ends_on)


def _amend(context: Context, project: Project, line: Line, fact: AwardAmended) -> Decision:
    gate = line.gate_of(line.batch(fact.batch))
    if fact.increase:
        within_notice(context, project, fact.award, fact.amount)
    when = GATE_OPEN if gate in project.awards[fact.award].gates else GATE_SHUT
    way = f"{'up' if fact.increase else 'down'}, {when}"
    place, origin = project.place(fact.award, fact.batch), of_origin(context.ledger.fund(project.fund), fact)
    return context.allow(move(project.accounts, "AwardAmended", place, fact.amount, way, origin=origin))


def _change_payee(context: Context, project: Project, line: Line, fact: PayeeChanged) -> Decision:
    project.none_in_flight(line, fact.award)
    payee = project.awards[fact.award].payee
    if fact.old != payee:
        raise PayeeMismatch(payee=str(fact.old), awarded=str(payee))
    if fact.new == payee:
        raise PayeeUnchanged(award=fact.award)
    context.must_be_valid(fact.new)
    if context.is_actor(fact.approver):
        raise SamePerson(who=fact.approver)
    return context.allow()


def _end(context: Context, project: Project, fact: Ending) -> Decision:
    line = context.ledger.fund(project.fund).lines.get(project.code)
    if line is None:
        return context.allow()  # a plan revision removed the line, which is possible only if it has no money
    context.not_before("PaymentConfirmed", max(project.paid_on.get(fact.award, Map()).values(), default=date.min))
    project.none_in_flight(line, fact.award)
    paid = project.held(line, fact.award, (PAID,))
    if paid and not project.closed and not isinstance(fact, AwardTerminated):
        raise AwardPaid(award=fact.award, amount=Money(paid))
    event = type(fact).__name__
    postings = [rule(event, when) for when in (GATE_OPEN, GATE_SHUT)]
    moves = [
        move(project.accounts, event, place, held, posting.when)
        for batch in line.batches
        for posting in postings
        if (held := project.accounts.balance(posting.source, place := project.place(fact.award, batch.batch)))
    ]
    return context.allow(*moves)
