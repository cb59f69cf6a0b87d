"""Posts that are invalid on purpose, by the rule that each should break: rules of awards, payments and reversals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

from msgspec.structs import replace

from domain.entry_reversed import EntryReversed
from domain.event import Posted, Recorded
from domain.fund.lifecycle import SettingsChanged
from domain.money import Money
from domain.project import acceptance, amendment, payment, recovery, rename
from domain.project.lifecycle import ProjectClosed
from domain.project.waiver import WaiverGranted
from domain.state.entities import Acceptance, Award, PaymentStatus, RoundStatus
from domain.state.fund import Gate
from domain.state.project import Project
from tests.lives import actual
from tests.random_life.award_steps import pick_award
from tests.random_life.base import Life
from tests.random_life.invalid_fund_steps import HUGE, ONE_DAY, TINY, InvalidStep, StepResult
from tests.random_life.recipients import name_of, payee, recipient
from tests.random_life.round_steps import new_name


def with_award(make: Callable[[Life, Project, str], StepResult]) -> InvalidStep:
    """A step that calls `make` with an award of the project. The step returns None if the project has no award."""

    def step(life: Life, project: Project) -> StepResult:
        name = pick_award(life, project)
        return make(life, project, name) if name else None

    return step


def with_payment(status: PaymentStatus, make: Callable[[Life, Project, str], StepResult]) -> InvalidStep:
    """A step that calls `make` with a payment of this status. The step returns None if there is no such payment."""

    def step(life: Life, project: Project) -> StepResult:
        name = life.pick_any(name for name, each in project.payments.items() if each.status is status)
        return make(life, project, name) if name else None

    return step


def _approve_own(life: Life, project: Project, name: str) -> StepResult:
    each = project.payments[name]
    return life.post(payment.PaymentApproved(name, "审批"), f"project/{project.code}", by=each.by.actor)


def _approve_again(life: Life, project: Project) -> StepResult:
    """The second approval by the first approver; while no payment has a first one, the first approval."""
    if life.fund.settings.approvers_differ is False:
        return SettingsChanged(replace(life.fund.settings, approvers_differ=None))
    with_levels = {n: each for n, each in project.payments.items() if len(each.levels or ()) > len(each.approved_by)}
    waiting = [n for n, each in with_levels.items() if each.status is PaymentStatus.REQUESTED]
    name = life.pick_any([n for n in waiting if with_levels[n].approved_by] or waiting)
    if name is None:
        return None
    each = with_levels[name]
    by = each.approved_by[0].actor if each.approved_by else life.other_than(each.by.actor)
    fact = payment.PaymentApproved(name, (each.levels or ())[len(each.approved_by)])
    return life.post(fact, f"project/{project.code}", by=by)


def _approve_out_of_turn(life: Life, project: Project, name: str) -> StepResult:
    by = life.other_than(project.payments[name].by.actor)
    return life.post(payment.PaymentApproved(name, "越级"), f"project/{project.code}", by=by)


def _change_nothing(life: Life, project: Project, name: str) -> StepResult:
    payee = project.awards[name].payee
    fact = amendment.PayeeChanged(name, payee, payee, approver="乙")
    return life.post(fact, f"project/{project.code}", by="甲")


def _rectify_for_long(life: Life, project: Project) -> StepResult:
    name = life.pick_any(name for name, each in project.awards.items() if _failed_at(each))
    if name is None:
        return None
    at = _failed_at(project.awards[name])[0]
    return acceptance.RectificationOrdered(name, life.day + timedelta(days=400), None if at == Gate.ACCEPTANCE else at)


def _failed_at(award: Award) -> list[str]:
    return sorted(at for at, each in award.checks.items() if each.status is Acceptance.FAILED)


def _reaches_another_goal(life: Life, project: Project) -> StepResult:
    """A pass with an actual of a goal that the line does not have."""
    name = life.pick_any(
        name
        for name, each in project.awards.items()
        if name not in project.ended and each.check().status is Acceptance.REQUESTED
    )
    return acceptance.AcceptancePassed(name, actuals=(acceptance.Actual("没有", "3"),)) if name else None


def _out_of_turn(life: Life, project: Project) -> StepResult:
    """A request at the last checkpoint of an award that has not passed an earlier one."""
    line = life.fund.lines.get(project.code)
    if line is None or len(line.all_checkpoints) < 2:
        return None
    name = life.pick_any(
        name
        for name, each in project.awards.items()
        if name not in project.ended
        and each.check(line.all_checkpoints[-2]).status is not Acceptance.PASSED
        and each.check().status is Acceptance.NONE
    )
    return acceptance.AcceptanceRequested(name) if name else None


def _overdue(life: Life, project: Project, name: str) -> StepResult:
    due = project.awards[name].check().rectify_by
    if due is None:
        return None
    life.wait_until(due + ONE_DAY)
    return acceptance.AcceptanceRequested(name)


def _order_too_much(life: Life, project: Project, name: str) -> StepResult:
    return recovery.RecoveryOrdered(new_name("R", project.recoveries), name, HUGE, life.day, "随机")


def _receive_too_much(life: Life, project: Project) -> StepResult:
    name = life.pick_any(project.recoveries)
    return recovery.RecoveryReceived(name, HUGE) if name else None


def _extend_settled(_: Life, project: Project) -> StepResult:
    """An extension of a recovery of which nothing is outstanding."""
    outstanding = dict(project.all_outstanding())
    for name, each in sorted(project.recoveries.items()):
        if name not in outstanding:
            return recovery.RecoveryExtended(name, each.due_on + ONE_DAY)
    return None


def _extend_for_long(life: Life, project: Project, name: str) -> StepResult:
    """An extension above the limit; while the fund has no limit, the limit."""
    if life.fund.settings.extension_months is None:
        return SettingsChanged(replace(life.fund.settings, extension_months=1))
    ends_on = project.awards[name].ends_on
    return amendment.ExtensionGranted(name, ends_on=ends_on + timedelta(days=400)) if ends_on else None


def _move_end(_: Life, project: Project, name: str) -> StepResult:
    ends_on = project.awards[name].ends_on
    return ends_on and amendment.AgreementSigned(name, ends_on - ONE_DAY, ends_on - ONE_DAY)


def _close_too_early(_: Life, project: Project) -> StepResult:
    last = project.rounds[str(project.round)] if project.rounds else None
    under_way = last and last.status is RoundStatus.UNDER_WAY
    unresolved = any(project.all_demanded()) or project.open_objections or project.standing_holds
    return ProjectClosed() if unresolved and not under_way else None


def _waive_for_oneself(life: Life, project: Project, name: str) -> StepResult:
    by = project.awards[name].by.actor
    return life.post(WaiverGranted("NoTriesLeft", "特批", award=name), f"project/{project.code}", by=by)


def _use_up_waiver(life: Life, project: Project) -> StepResult:
    """A payment above what a waiver allows; while no award has such a waiver, the waiver."""
    for key, waiver in sorted(project.waivers.items()):
        rule, _, name = key.split("/")
        if rule == "PayeeMismatch" and waiver.payees[0].by.actor != "甲":
            fact = payment.PaymentRequested(
                new_name("P", project.payments), name, life.random.randint(1, 2), HUGE, waiver.payees[0].payee
            )
            return life.post(fact, f"project/{project.code}", by="甲")
    name = pick_award(life, project)
    if name is None or project.awards[name].by.actor == "乙":
        return None
    waiver = WaiverGranted("PayeeMismatch", "特批", award=name, payee=payee("other"), at_most=TINY)
    return life.post(waiver, f"project/{project.code}", by="乙")


def _waive_again(life: Life, project: Project) -> StepResult:
    key = life.pick_any(project.waivers)
    if key is None:
        return None
    rule, kind, name = key.split("/")
    waiver = project.waivers[key]
    named = {"payee": waiver.payees[0].payee} if waiver.payees else {}
    return WaiverGranted(
        rule, "再批", **{kind: name}, **named, at_most=waiver.payees[0].at_most if named else waiver.at_most
    )


def _rename(old: str | None = None) -> InvalidStep:
    """A step that renames the applicant, or the recipient called `old`, to what it is called now."""

    def step(life: Life, project: Project) -> StepResult:
        name = life.pick_any(project.applications)
        if name is None:
            return None
        new = recipient(name_of(project.applications[name].identities[-1]))
        return rename.RecipientRenamed(name, recipient(old) if old else new, new)

    return step


AWARD: dict[str, InvalidStep] = {
    "RequesterMayNotApprove": with_payment(PaymentStatus.REQUESTED, _approve_own),
    "ApproverTwice": _approve_again,
    "WaiverUsedUp": _use_up_waiver,
    "ApprovalOutOfTurn": with_payment(PaymentStatus.REQUESTED, _approve_out_of_turn),
    "PayeeUnchanged": with_award(_change_nothing),
    "RecipientUnchanged": _rename(),
    "NotRecipient": _rename("stranger"),
    "AmountMismatch": with_payment(
        PaymentStatus.INSTRUCTED, lambda _, __, name: payment.PaymentConfirmed(name, HUGE, actual())
    ),
    "AmountMismatch of a return": with_payment(
        PaymentStatus.CONFIRMED, lambda _, __, name: payment.PaymentReturned(name, HUGE, passive=True, reason="退票")
    ),
    "AcceptanceStatusWrong": with_award(lambda _, __, name: acceptance.AcceptanceFailed(name, "随机")),
    "CheckpointNotInPlan": with_award(lambda _, __, name: acceptance.AcceptanceRequested(name, "没有")),
    "CheckpointOutOfTurn": _out_of_turn,
    "GoalNotInPlan": _reaches_another_goal,
    "RectificationOverdue": with_award(_overdue),
    "RectificationTooLong": _rectify_for_long,
    "EndMovedWithoutExtension": with_award(_move_end),
    "ExtensionTooLong": with_award(_extend_for_long),
    "RecoverySettled": _extend_settled,
    "MoreThanPaid": with_payment(PaymentStatus.CONFIRMED, _order_too_much),
    "MoreThanOutstanding": _receive_too_much,
    "RecoveryOutstanding": _close_too_early,
    "NotWaivable": with_award(lambda _, __, name: WaiverGranted("GateShut", "特批", award=name)),
    "AlreadyWaived": _waive_again,
    "SamePerson": with_award(_waive_for_oneself),
}


# Reversals -------------------------------------------------------------------


def entries(life: Life, project: Project) -> Iterator[Recorded]:
    """The entries of the fund and of the project, the latest first. Mirrors are left out."""
    for event in reversed(life.events):
        if event.mirrors is None and event.stream in ("fund/f", f"project/{project.code}"):
            yield event


def of_entry(wanted: Callable[[Recorded], bool], amount: Money | None = None) -> InvalidStep:
    """A step that reverses the latest entry that `wanted` selects, or only `amount` of the entry."""

    def step(life: Life, project: Project) -> StepResult:
        entry = next(filter(wanted, entries(life, project)), None)
        return _reversal(life, entry.stream, entry.version, amount) if entry else None

    return step


def _reversal(life: Life, stream: str, version: int, amount: Money | None = None) -> Posted:
    return life.post(EntryReversed(version, "随机", amount), stream)


def _reverse_again(life: Life, project: Project) -> StepResult:
    for entry in entries(life, project):
        if isinstance(entry.fact, EntryReversed):
            return _reversal(life, entry.stream, entry.fact.version)
    return None


def _of_type(name: str) -> Callable[[Recorded], bool]:
    return lambda entry: type(entry.fact).__name__ == name


def _in_part(entry: Recorded) -> bool:
    reversible = entry.fact.reversible
    return reversible is not None and reversible.in_part


def _only_as_a_whole(entry: Recorded) -> bool:
    reversible = entry.fact.reversible
    return reversible is not None and not reversible.in_part


REVERSAL: dict[str, InvalidStep] = {
    "NotReversible": of_entry(lambda entry: entry.fact.reversible is None),
    "NotInPart": of_entry(_only_as_a_whole, TINY),
    "MoreThanLeft": of_entry(_in_part, HUGE),
    "AlreadyReversed": _reverse_again,
    "BeforeClosing": lambda life, project: _reversal(life, f"project/{project.code}", 2),
    "MovedOn": of_entry(_of_type("AppropriationReceived")),
    "WouldUnsettle": of_entry(_of_type("RecoveryOrdered")),
    "NotTheLast": of_entry(_of_type("AwardListDecided")),
}

INVALID_AWARD_STEPS = AWARD | REVERSAL
