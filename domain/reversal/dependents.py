"""Checks before a reversal: no later event changed the same entities as the entry, and none depends on the entry."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

from domain.decision_context import Context
from domain.event import Fact, Recorded, Reference, Restored
from domain.finding import FindingSettled
from domain.fund.funding import AppropriationReceived
from domain.fund.lifecycle import YearCarriedForward
from domain.fund.reconciliation import StatementReconciled
from domain.money import Money
from domain.period import period_of
from domain.posting import ACCOUNTS, PAID, RECOVERED
from domain.project.amendment import (
    AwardAmended,
    AwardDeclined,
    AwardRevoked,
    AwardTerminated,
    Ending,
    PayeeChanged,
)
from domain.project.award import AwardListDecided
from domain.project.call import (
    ApplicationReceived,
    ApplicationScreened,
    ApplicationWithdrawn,
    CallExtended,
    CallPublished,
    may_apply_again,
)
from domain.project.condition import NOT_OBJECTED_TO, PAYEE, above_notice, notice_binds
from domain.project.lifecycle import ProjectClosed
from domain.project.payment import PaymentConfirmed, PaymentFailed, PaymentReturned
from domain.project.recovery import RecoveryOrdered, RecoveryReceived, RecoveryWaived
from domain.project.selection import NoticeCompleted, NoticeStarted, ObjectionResolved
from domain.project.unordered import UnorderedPaymentFound
from domain.project.waiver import Paying, WaiverGranted, above_limit, granted, key
from domain.rules.award import AboveNotice
from domain.rules.call import AlreadyReviewed
from domain.rules.payment import PayeeMismatch
from domain.rules.recovery import MoreThanPaid
from domain.rules.reversal import AlreadyReversed, NotRemembered, NotTheLast, WouldUnsettle
from domain.state.entities import Payment, PaymentStatus, RoundStatus
from domain.state.finding import Finding
from domain.state.fund import Carried, Fund, Reconciled
from domain.state.project import FIELD_OF, Project


def no_event_depends_on(
    context: Context, owner: Fund | Project, entry: Recorded, restored: Collection[Restored]
) -> None:
    """Raises the rule that forbids the reversal of `entry`, if a later event depends on the entry.

    `owner`: the fund or project of the entry. `restored`: the entities that the reversal would restore.
    """
    if isinstance(owner, Fund):
        if isinstance(entry.fact, YearCarriedForward):
            carried = owner.appropriations[entry.fact.appropriation].carried
            _is_last_of("appropriation", str(entry.fact.appropriation), carried, entry.version)
        if isinstance(entry.fact, StatementReconciled):
            accepted = owner.reconciled.get(entry.fact.statement, ())
            _is_last_of("statement", entry.fact.statement, accepted, entry.version)
            _no_period_closed_on(owner, entry.fact, entry.version)
        if isinstance(entry.fact, AppropriationReceived):
            _was_not_carried(owner, entry.version)
        if isinstance(entry.fact, FindingSettled):
            found = owner.findings[entry.fact.finding]
            _is_last_of("finding", entry.fact.finding, (found,), entry.version)
        return
    for each in restored:
        if each.kind in FIELD_OF:
            _is_last_step(owner, each, entry.version)
        if each.kind in ("round", "application"):
            _no_objection_to_it(owner, each, entry.version)
    _award_is_the_same(owner, entry)
    for check in CHECKS.get(type(entry.fact), ()):
        check(context, owner, entry.fact, entry.version)


def _was_not_carried(fund: Fund, version: int) -> None:
    if carried := fund.appropriations[version].carried:
        raise NotTheLast(kind="appropriation", name=str(version), last=carried[-1].version, version=version)


def _is_last_of(kind: str, name: str, steps: Sequence[Carried | Reconciled | Finding], version: int) -> None:
    last = steps[-1].version if steps else 0
    if last < version:
        raise AlreadyReversed(version=version)
    if last > version:
        raise NotTheLast(kind=kind, name=name, last=last, version=version)


def _no_period_closed_on(fund: Fund, fact: StatementReconciled, version: int) -> None:
    """Raises NotTheLast if, after `fact`, a period was closed that ends on or after the statement's first day.

    The check applies only if the fund's setting `reconcile_before_close` is true, because only then can the closing of
    a period depend on `fact`. `version` is the version of `fact`.
    """
    through, closed_by = fund.closed_through, fund.closed_by
    waits = fund.settings.reconcile_before_close
    if waits and through and closed_by and closed_by > version and through >= fact.first_day:
        raise NotTheLast(kind="period", name=period_of(through), last=closed_by, version=version)


def _is_last_step(project: Project, each: Restored, version: int) -> None:
    subject = project.entities(each.kind).get(each.name)
    if subject is None or subject.version < version:
        raise AlreadyReversed(version=version)
    if subject.version > version:
        raise NotTheLast(kind=each.kind, name=each.name, last=subject.version, version=version)
    if subject.steps and not subject.past:
        raise NotRemembered(kind=each.kind, name=each.name, version=version)


def _no_objection_to_it(project: Project, each: Restored, version: int) -> None:
    """Raises NotTheLast if an objection to the entity `each` was received after the event of `version`.

    `each` is a round or an application. Every objection received in a round counts as an objection to the round.
    """
    for name, objection in sorted(project.objections.items()):
        concerns = str(objection.round) if each.kind == "round" else objection.application
        if concerns == each.name and objection.received.version > version:
            raise NotTheLast(kind="objection", name=name, last=objection.version, version=version)


def _award_is_the_same(project: Project, entry: Recorded) -> None:
    """Raises NotTheLast if an award that the moves of `entry` name was decided after `entry`.

    Then the award only has the name of an earlier award, whose money `entry` moved: the award list that decided the
    earlier award was reversed, and a later list used the name again.
    """
    for moved in entry.moves:
        name = moved.place.award
        owners = {ACCOUNTS[moved.source].owner, ACCOUNTS[moved.target].owner}
        award = project.awards.get(name) if name else None
        if award and "project" in owners and award.decided.version > entry.version:
            raise NotTheLast(kind="award", name=str(name), last=award.decided.version, version=entry.version)


def _payments(project: Project, awards: Collection[str], since: int) -> Iterator[tuple[str, Payment]]:
    """Yields each payment of `awards` that was recorded first after the event of version `since`, with its name.

    The time is linear in all payments of the project, which is acceptable because reversals are rare.
    """
    for name, payment in sorted(project.payments.items()):
        if payment.award in awards and payment.first_version > since:
            yield name, payment


def _nothing_paid_since(project: Project, awards: Collection[str], version: int) -> None:
    for name, payment in _payments(project, awards, version):
        raise NotTheLast(kind="payment", name=name, last=payment.version, version=version)


# Checks by type of entry ---------------------------------------------------------


def _nobody_applied(_: Context, project: Project, fact: CallPublished, version: int) -> None:
    for name, application in sorted(project.applications.items()):
        if application.round == fact.round:
            raise NotTheLast(kind="application", name=name, last=application.version, version=version)


def _nobody_applied_in_the_days_added(_: Context, project: Project, fact: CallExtended, version: int) -> None:
    closed_on = project.rounds[str(fact.round)].past[-1].closes_on
    for name, application in sorted(project.live_applications(fact.round).items()):
        late = application.received.version > version and application.received.on > closed_on
        if late and key("OutsideWindow", "application", name) not in project.waivers:
            raise NotTheLast(kind="application", name=name, last=application.version, version=version)


def _awards_are_untouched(_: Context, project: Project, fact: AwardListDecided, version: int) -> None:
    awards = {row.award for row in fact.awards}
    for award in sorted(awards):
        for name, waiver in granted(project, "award", award):
            raise NotTheLast(kind="waiver", name=name, last=waiver.version, version=version)
    _nothing_paid_since(project, awards, version)


def _was_not_reviewed(_: Context, project: Project, fact: ApplicationReceived | ApplicationScreened, __: int) -> None:
    current = project.rounds[str(project.applications[fact.application].round)]
    if current.review or current.status is not RoundStatus.UNDER_WAY:
        raise AlreadyReviewed(round=current.number)


def _no_other_applied(context: Context, project: Project, fact: ApplicationWithdrawn, __: int) -> None:
    application = project.applications[fact.application]
    for identity in application.identities:
        may_apply_again(context, project, application.round, identity)


def _was_not_reviewed_without_it(_: Context, project: Project, fact: ApplicationWithdrawn, version: int) -> None:
    current = project.rounds[str(project.applications[fact.application].round)]
    if current.review and current.review.version > version:
        raise AlreadyReviewed(round=current.number)


def _nothing_paid_on_notice(_: Context, project: Project, __: NoticeStarted | NoticeCompleted, version: int) -> None:
    notice = project.rounds[str(project.round)].notice
    _nothing_paid_since(project, _awards_of(project, notice.applications if notice else ()), version)


def _no_increase_rests_on_notice(context: Context, project: Project, _: NoticeCompleted, version: int) -> None:
    """Raises AboveNotice if an award was increased after the notice, to more than was shown before it."""
    current = project.rounds[str(project.round)]
    before = project.undo("round", str(project.round))
    for name, shown in sorted(current.noticed.items()):
        award = project.applications[name].award
        if award and shown.completed.version == version:
            _was_not_increased(context, before, award, shown.awarded)


def _no_increase_rests_on_waiver(context: Context, project: Project, fact: WaiverGranted, _: int) -> None:
    """Raises AboveNotice or WaiverUsedUp if, without the waiver, the award or a payee has more than is allowed."""
    kind, name = fact.target
    at = key(fact.rule, kind, str(name))
    before = project.undo("waiver", at)
    if fact.rule == AboveNotice.__name__:
        _was_not_increased(context, before, str(name), project.waivers[at].awarded)
    for each in before.waivers[at].payees if at in before.waivers else ():
        if each.at_most is not None and (above := above_limit(before, Paying(str(name), each.payee), each.at_most)):
            raise above


def _was_not_increased(context: Context, before: Project, award: str, awarded: int) -> None:
    increased = before.awarded.get(award, 0) > awarded
    if increased and notice_binds(context, before) and (above := above_notice(before, award)):
        raise above


def _awards_of(project: Project, applications: Iterable[str]) -> set[str]:
    return {award for name in applications if (award := project.applications[name].award)}


def _nothing_paid_on_resolution(_: Context, project: Project, fact: ObjectionResolved, version: int) -> None:
    concerned = project.objections[fact.objection].concerns
    _nothing_paid_since(project, _awards_of(project, concerned), version)


def _round_has_not_moved_on(_: Context, project: Project, fact: ObjectionResolved, version: int) -> None:
    number = project.objections[fact.objection].round
    last = project.rounds[str(max(number, project.round))].version
    if last > version:
        raise NotTheLast(kind="round", name=str(project.round), last=last, version=version)


def _new_payee_was_not_paid(context: Context, project: Project, fact: PayeeChanged, version: int) -> None:
    project.none_in_flight(context.ledger.fund(project.fund).line(project.code), fact.award)
    for name, payment in _payments(project, {fact.award}, version):
        if payment.status is PaymentStatus.CONFIRMED:
            raise NotTheLast(kind="payment", name=name, last=payment.version, version=version)


def _no_round_since(_: Context, project: Project, __: Ending, version: int) -> None:
    current = project.rounds[str(project.round)]
    if current.published.version > version:
        raise NotTheLast(kind="round", name=str(project.round), last=current.version, version=version)


def _acceptance_has_not_begun(_: Context, project: Project, fact: PaymentConfirmed, version: int) -> None:
    """Raises NotTheLast if an acceptance event of the payment's award was recorded after `version`.

    A request for acceptance may depend on the confirmed payment. `version` is the version of `fact`.
    """
    name = project.payments[fact.payment].award
    for __, last in project.awards[name].checked_since(version):
        raise NotTheLast(kind="award", name=name, last=last, version=version)


def _no_award_ended_since(_: Context, project: Project, __: ProjectClosed, version: int) -> None:
    """Raises NotTheLast if an award with paid money ended after the closing: in an open project it may not."""
    paid = {at.place.award for at in project.accounts.holdings if at.account == PAID}
    for name in sorted(project.ended & paid):
        if (last := project.awards[name].version) > version:
            raise NotTheLast(kind="award", name=name, last=last, version=version)


def _settled_is_not_amended(context: Context, project: Project, fact: AwardAmended, version: int) -> None:
    """Raises NotTheLast if an acceptance event of the award, recorded after `fact`, depends on the amended amount.

    A request for acceptance depends on the amount of each batch whose gate comes before the requested checkpoint. So an
    amendment of a batch whose gate is this checkpoint or a later one is exempt. `version` is the version of `fact`.
    """
    line = context.ledger.fund(project.fund).line(project.code)
    batch, order = line.find(fact.batch), line.gates
    for checkpoint, last in project.awards[fact.award].checked_since(version):
        earlier = order[: order.index(checkpoint)] if checkpoint in order else order
        if batch and line.gate_of(batch) in earlier:
            raise NotTheLast(kind="award", name=fact.award, last=last, version=version)


def _not_ordered_back(
    _: Context, project: Project, fact: PaymentConfirmed | UnorderedPaymentFound, version: int
) -> None:
    for name in project.recoveries_of.get(fact.payment, ()):
        recovery = project.recoveries[name]
        if recovery.ordered.version > version:
            raise NotTheLast(kind="recovery", name=name, last=recovery.version, version=version)


def _may_still_be_paid(
    context: Context, project: Project, fact: PaymentConfirmed | PaymentFailed, version: int
) -> None:
    """Checks that the payment may be paid to its payee, because the reversal sets it back to the status instructed.

    Unless the payee is the award's, a waiver must allow the payee, both when the payment was requested and now. The
    first edition of the rules required the waiver only now. A payment whose request was recorded as irregular under
    PayeeMismatch needs no waiver. Raises PayeeMismatch, WaiverUsedUp, SamePerson, BeforeItsCause. If a failed payment
    is reversed, the payment uses up its part of the waiver's amount again.
    """
    payment, awarded = project.payments[fact.payment], project.award(project.payments[fact.payment].award).payee
    exempt = payment.by_waiver or PayeeMismatch.__name__ in payment.irregular
    if payment.payee != awarded and not exempt and context.header.edition > 1:
        raise PayeeMismatch(payee=str(payment.payee), awarded=str(awarded))
    entry = context.ledger.entries[Reference(context.stream, version)]
    released = sum(moved.amount for moved in entry.moves) if isinstance(fact, PaymentFailed) else 0
    PAYEE.check(context, project, Paying(payment.award, payment.payee, released, payment.irregular))


def _is_not_objected_to(context: Context, project: Project, fact: PaymentFailed, __: int) -> None:
    NOT_OBJECTED_TO.check(context, project, project.payments[fact.payment])


def _nothing_received(_: Context, project: Project, fact: RecoveryOrdered, __: int) -> None:
    if received := project.recovered.get(fact.recovery, 0) + project.interest_received.get(fact.recovery, 0):
        raise WouldUnsettle(account=RECOVERED, amount=Money(received))


def _is_not_claimed_again(_: Context, project: Project, fact: RecoveryWaived, version: int) -> None:
    """Raises MoreThanPaid if, without the waiver `fact`, the payment's recoveries would demand more than is paid.

    The check applies only if one of these recoveries was ordered after the waiver. Otherwise they would demand only
    what they demanded before the waiver.
    """
    before = project.undo("recovery", fact.recovery)
    payment = before.recoveries[fact.recovery].payment
    orders = before.recoveries_of[payment]
    if all(before.recoveries[name].ordered.version < version for name in orders):
        return
    claimed = before.demanded(fact.recovery)
    left = before.paid(payment).total - (sum(map(before.demanded, orders)) - claimed)
    if claimed > left:
        raise MoreThanPaid(payment=payment, left=Money(max(left, 0)), amount=Money(claimed))


def _no_claim_has_lapsed(_: Context, project: Project, fact: PaymentReturned | RecoveryReceived, version: int) -> None:
    """Raises NotTheLast if, after `fact`, a RecoveryWaived let part of a recovery of the same payment lapse.

    If a recovery demands more than is still paid when it is waived, the excess lapses. `fact` may have caused the
    excess, because it took money out of `paid`. If `fact` is a RecoveryReceived, the recovery that received the money
    is exempt. `version` is the version of `fact`.
    """
    own = fact.recovery if isinstance(fact, RecoveryReceived) else None
    payment = fact.payment if isinstance(fact, PaymentReturned) else project.recoveries[fact.recovery].payment
    for name in project.recoveries_of.get(payment, ()):
        lapsed_by = project.recoveries[name].lapsed_by
        if name != own and lapsed_by and lapsed_by > version:
            raise NotTheLast(kind="recovery", name=name, last=lapsed_by, version=version)


def _was_not_used(_: Context, project: Project, fact: WaiverGranted, version: int) -> None:
    kind, name = fact.target
    subject = project.entities(kind).get(name or "")
    if subject and subject.version > version:
        raise NotTheLast(kind=kind, name=str(name), last=subject.version, version=version)
    if kind == "award" and name:
        _nothing_paid_since(project, {name}, version)


Check = Callable[[Context, Project, Any, int], None]
CHECKS: dict[type[Fact], tuple[Check, ...]] = {
    CallPublished: (_nobody_applied,),
    CallExtended: (_nobody_applied_in_the_days_added,),
    AwardListDecided: (_awards_are_untouched,),
    ApplicationReceived: (_was_not_reviewed,),
    ApplicationScreened: (_was_not_reviewed,),
    ApplicationWithdrawn: (_no_other_applied, _was_not_reviewed_without_it),
    NoticeStarted: (_nothing_paid_on_notice,),
    NoticeCompleted: (_nothing_paid_on_notice, _no_increase_rests_on_notice),
    ObjectionResolved: (_round_has_not_moved_on, _nothing_paid_on_resolution),
    AwardAmended: (_settled_is_not_amended,),
    AwardDeclined: (_no_round_since,),
    AwardRevoked: (_no_round_since,),
    AwardTerminated: (_no_round_since,),
    PayeeChanged: (_new_payee_was_not_paid,),
    ProjectClosed: (_no_award_ended_since,),
    PaymentConfirmed: (_may_still_be_paid, _not_ordered_back, _acceptance_has_not_begun),
    PaymentFailed: (_may_still_be_paid, _is_not_objected_to),
    PaymentReturned: (_no_claim_has_lapsed,),
    UnorderedPaymentFound: (_not_ordered_back,),
    RecoveryOrdered: (_nothing_received,),
    RecoveryReceived: (_no_claim_has_lapsed,),
    RecoveryWaived: (_is_not_claimed_again,),
    WaiverGranted: (_was_not_used, _no_increase_rests_on_waiver),
}
"""For each type of entry, the checks that no later event depends on the entry. Types that are not listed need none.

A check gets the context, the project, the entry's fact and the entry's version. It raises a rule if an event depends on
the entry.
"""
