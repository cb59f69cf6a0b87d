"""What rests on an entry: an entry is the last step of all that it changed, and nothing was built on it since."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from domain.fund import Fund, YearCarriedForward
from domain.money import Money
from domain.posting import ACCOUNTS, RECOVERED
from domain.project.amendment import PayeeChanged
from domain.project.award import AwardListDecided
from domain.project.call import ApplicationReceived, ApplicationScreened, ApplicationWithdrawn, CallPublished
from domain.project.opening import ProjectClosed
from domain.project.payment import PaymentFailed
from domain.project.recovery import RecoveryOrdered
from domain.project.selection import NoticeCompleted, NoticeStarted, ObjectionResolved
from domain.project.state import KINDS, Payment, Project, RoundStatus
from domain.project.waiver import WaiverGranted, granted, key
from domain.record import Fact, Recorded
from domain.reversal.fact import Restored
from domain.rules.call import AlreadyApplied, AlreadyReviewed, ObjectionUpheld
from domain.rules.fund import FundIsClosed
from domain.rules.payment import PayeeMismatch
from domain.rules.reversal import AlreadyReversed, NotRemembered, NotTheLast, WouldUnsettle


def nothing_rests_on(owner: Fund | Project, fund: Fund, entry: Recorded, restored: Collection[Restored]) -> None:
    """Raises the rule that keeps the entry from being reversed now."""
    if isinstance(owner, Fund):
        if isinstance(entry.fact, YearCarriedForward):
            _is_last_carried(owner, entry.fact, entry.version)
        return
    for each in restored:
        if each.kind in KINDS:
            _is_last_step(owner, each, entry.version)
        if each.kind in ("round", "application"):
            _no_objection_to_it(owner, each, entry.version)
    _award_is_the_same(owner, entry)
    if check := CHECKS.get(type(entry.fact)):
        check(owner, fund, entry.fact, entry.version)


def _is_last_carried(fund: Fund, fact: YearCarriedForward, version: int) -> None:
    carried = fund.appropriations[fact.appropriation].carried
    last = carried[-1].version if carried else 0
    if last < version:
        raise AlreadyReversed(version=version)
    if last > version:
        raise NotTheLast(kind="appropriation", name=str(fact.appropriation), last=last, version=version)


def _is_last_step(project: Project, each: Restored, version: int) -> None:
    subject = project.subjects(each.kind).get(each.name)
    if subject is None or subject.version < version:
        raise AlreadyReversed(version=version)
    if subject.version > version:
        raise NotTheLast(kind=each.kind, name=each.name, last=subject.version, version=version)
    if subject.steps and not subject.past:
        raise NotRemembered(kind=each.kind, name=each.name, version=version)


def _no_objection_to_it(project: Project, each: Restored, version: int) -> None:
    """An objection rests on its round, and on the application that it names."""
    for name, objection in sorted(project.objections.items()):
        concerns = str(objection.round) if each.kind == "round" else objection.application
        if concerns == each.name and objection.received.version > version:
            raise NotTheLast(kind="objection", name=name, last=objection.version, version=version)


def _award_is_the_same(project: Project, entry: Recorded) -> None:
    """An award that was taken back may have been given anew under its name: older entries are not of that one."""
    for moved in entry.moves:
        name = moved.place.award
        owners = {ACCOUNTS[moved.source].owner, ACCOUNTS[moved.target].owner}
        award = project.awards.get(name) if name else None
        if award and "project" in owners and award.decided.version > entry.version:
            raise NotTheLast(kind="award", name=str(name), last=award.decided.version, version=entry.version)


def _first_version(payment: Payment) -> int:
    return payment.past[0].version if payment.past else payment.version


def _payments(project: Project, awards: Collection[str | None], since: int) -> Iterator[tuple[str, Payment]]:
    """The payments of these awards that were requested after an event. Walks them all: reversals are rare."""
    for name, payment in sorted(project.payments.items()):
        if payment.award in awards and _first_version(payment) > since:
            yield name, payment


def _nothing_paid_since(project: Project, awards: Collection[str | None], version: int) -> None:
    for name, payment in _payments(project, awards, version):
        raise NotTheLast(kind="payment", name=name, last=payment.version, version=version)


def _fund_is_open(_: Project, fund: Fund, __: ProjectClosed, ___: int) -> None:
    if fund.closed:
        raise FundIsClosed(fund=fund.code)


def _nobody_applied(project: Project, _: Fund, fact: CallPublished, version: int) -> None:
    for name, application in sorted(project.applications.items()):
        if application.round == fact.round:
            raise NotTheLast(kind="application", name=name, last=application.version, version=version)


def _awards_are_untouched(project: Project, _: Fund, fact: AwardListDecided, version: int) -> None:
    awards = {row.award for row in fact.awards}
    for award in sorted(awards):
        for name, waiver in granted(project, "award", award):
            raise NotTheLast(kind="waiver", name=name, last=waiver.version, version=version)
    _nothing_paid_since(project, awards, version)


def _was_not_reviewed(project: Project, _: Fund, fact: ApplicationReceived | ApplicationScreened, __: int) -> None:
    current = project.rounds[str(project.applications[fact.application].round)]
    if current.review or current.status is not RoundStatus.UNDER_WAY:
        raise AlreadyReviewed(round=current.number)


def _no_other_applied(project: Project, _: Fund, fact: ApplicationWithdrawn, __: int) -> None:
    application = project.applications[fact.application]
    if other := project.applicants.get((application.round, application.uscc)):
        raise AlreadyApplied(uscc=application.uscc, application=other, round=application.round)


def _nothing_paid_on_notice(project: Project, _: Fund, __: NoticeStarted | NoticeCompleted, version: int) -> None:
    notice = project.rounds[str(project.round)].notice
    listed = notice.applications if notice else ()
    _nothing_paid_since(project, {project.applications[name].award for name in listed} - {None}, version)


def _round_has_not_moved_on(project: Project, _: Fund, fact: ObjectionResolved, version: int) -> None:
    number = project.objections[fact.objection].round
    last = project.rounds[str(max(number, project.round))].version
    if last > version:
        raise NotTheLast(kind="round", name=str(project.round), last=last, version=version)


def _none_in_flight(project: Project, fund: Fund, fact: PayeeChanged, _: int) -> None:
    project.none_in_flight(fund.line(project.code), fact.award)


def _may_still_be_paid(project: Project, _: Fund, fact: PaymentFailed, __: int) -> None:
    """The instruction would stand again: it must be to whom the award is paid now, and nothing against it."""
    payment = project.payments[fact.payment]
    award = project.awards[payment.award]
    allowed = key("PayeeMismatch", "award", payment.award) in project.waivers
    if payment.payee != award.payee and not allowed:
        raise PayeeMismatch(payee=str(payment.payee), awarded=str(award.payee))
    if project.applications[award.application].excluded:
        raise ObjectionUpheld(application=award.application)


def _nothing_received(project: Project, _: Fund, fact: RecoveryOrdered, __: int) -> None:
    if received := project.recovered.get(fact.recovery):
        raise WouldUnsettle(account=RECOVERED, amount=Money(received))


def _was_not_used(project: Project, _: Fund, fact: WaiverGranted, version: int) -> None:
    kind, name = fact.target
    subject = project.subjects(kind).get(name or "")
    if subject and subject.version > version:
        raise NotTheLast(kind=kind, name=str(name), last=subject.version, version=version)
    if kind == "award":
        _nothing_paid_since(project, {name}, version)


CHECKS: dict[type[Fact], Callable[[Project, Fund, Any, int], None]] = {
    ProjectClosed: _fund_is_open,
    CallPublished: _nobody_applied,
    AwardListDecided: _awards_are_untouched,
    ApplicationReceived: _was_not_reviewed,
    ApplicationScreened: _was_not_reviewed,
    PaymentFailed: _may_still_be_paid,
    ApplicationWithdrawn: _no_other_applied,
    NoticeStarted: _nothing_paid_on_notice,
    NoticeCompleted: _nothing_paid_on_notice,
    ObjectionResolved: _round_has_not_moved_on,
    PayeeChanged: _none_in_flight,
    RecoveryOrdered: _nothing_received,
    WaiverGranted: _was_not_used,
}
"""What must not have happened since, by the type of the entry."""
