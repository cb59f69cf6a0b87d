"""Waivers 豁免 of a rule for one award or application, granted by a person who does not benefit from the waiver."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from domain.decision_context import Context, Decision
from domain.event import Fact, Recorded, Restored, Reversible
from domain.money import Money
from domain.project.lifecycle import ProjectFact
from domain.rules import RULES, Refused
from domain.rules.award import AwardEnded
from domain.rules.call import InvalidCode
from domain.rules.every_post import BeforeItsCause, UnknownName
from domain.rules.waiver import AlreadyWaived, NotWaivable, SamePerson, WaiverIncomplete, WaiverUsedUp
from domain.state.entities import Payee, WaivedPayee, Waiver
from domain.state.project import Project


def _granted(_: Project, fact: WaiverGranted) -> tuple[Restored, ...]:
    kind, name = fact.target
    return (Restored("waiver", key(fact.rule, kind, name or "")),)


class WaiverGranted(ProjectFact, frozen=True):
    """A waivable rule was waived for one award or one application. The application need not be received yet.

    The person who grants the waiver must not be the person who posts an event that benefits from it, such as the award
    list. A waiver of PayeeNotApplicant names the `payee` that it allows. A waiver of PayeeMismatch names the `payee`
    and, in `at_most`, the most that this payee may receive in all; each payment to the payee uses up part of this
    amount. A waiver of AboveNotice states in `at_most` the largest amount that the award may have. A later waiver
    replaces an earlier one if both are for the same payee, or if both are of AboveNotice. A waiver for another payee
    leaves the earlier one in force.
    """

    zh = "豁免批准"
    about_zh = (
        "对某一立项或申报豁免一条可豁免的规则；批准人不得是受益事项的经办人。"
        "豁免收款人不符的，须写明收款人（payee）；用于支付的，还须写明其最多可收的金额（at_most）；"
        "豁免超过公示金额的，须写明立项金额上限（at_most）。对同一收款人再次批准的，以后一次为准。"
    )
    reversible = Reversible(restores=_granted, by_another=True)
    cites = (("批准文件",),)
    apart_from = ("AwardListDecided",)
    refused_by = (
        NotWaivable,
        AlreadyWaived,
        WaiverIncomplete,
        WaiverUsedUp,
        InvalidCode,
        UnknownName,
        AwardEnded,
        BeforeItsCause,
        SamePerson,
    )
    rule: str
    reason: str
    award: str | None = None
    application: str | None = None
    payee: Payee | None = None
    at_most: Money | None = None

    @property
    def target(self) -> tuple[str, str | None]:
        """The kind of what the waiver is for, "award" or "application", and its name.

        If the fact names neither an award nor an application, the kind is "application" and the name is None.
        """
        return ("award", self.award) if self.award else ("application", self.application)


NAMES = {"PayeeMismatch": ("payee", "at_most"), "PayeeNotApplicant": ("payee",), "AboveNotice": ("at_most",)}
"""The fields that a waiver of one of these rules must have. Only waivers of these rules can be granted again."""

Event = WaiverGranted
FACTS: tuple[type[Fact], ...] = (Event,)


def key(rule: str, kind: str, name: str) -> str:
    """The key in `Project.waivers` under which a waiver of `rule` for one award or application is kept.

    `kind` is "award" or "application", and `name` is the name of that award or application.
    """
    return f"{rule}/{kind}/{name}"


def evolve(project: Project, fact: Event, event: Recorded) -> Project:
    kind, name = fact.target
    assert name is not None
    at = key(fact.rule, kind, name)
    standing = project.waivers.get(at)
    payees: tuple[WaivedPayee, ...] = ()
    if fact.payee:
        others = (each for each in (standing.payees if standing else ()) if each.payee != fact.payee)
        payees = (*others, WaivedPayee(event.version, event.by, fact.payee, fact.at_most))
    changes: dict[str, Any] = {
        "by": event.by,
        "at_most": None if payees else fact.at_most,
        "awarded": project.awarded.get(name, 0) if kind == "award" else 0,
        "payees": payees,
    }
    if standing is None:
        return project.with_entity("waiver", at, Waiver(event.version, **changes))
    return project.step("waiver", at, event.version, **changes)


def decide(context: Context, project: Project, fact: Event) -> Decision:
    kind, name = fact.target
    rule = RULES.get(fact.rule)
    if rule is None or rule.waivable != kind or name is None or (fact.award and fact.application):
        raise NotWaivable(rule=fact.rule, kind=kind)
    _is_new(context, project, fact, name)
    if fact.payee:
        context.must_be_valid(fact.payee)
    if kind == "award":
        award = project.live_award(name)
        context.not_before("AwardListDecided", award.decided.on)
        if same := context.same_as(award.by):
            raise SamePerson(who=same)
        if fact.payee and fact.at_most is not None:
            above = above_limit(project, Paying(name, fact.payee), fact.at_most)
            if above:
                raise above
    return context.allow()


def _is_new(context: Context, project: Project, fact: Event, name: str) -> None:
    """Raises WaiverIncomplete if `fact` lacks a field that its rule needs, and AlreadyWaived if it changes nothing.

    By the first edition of the rules, no rule needed a field, and no waiver could be granted again.
    """
    needed = NAMES.get(fact.rule, ()) if context.header.edition > 1 else ()
    for field in needed:
        if getattr(fact, field) is None:
            raise WaiverIncomplete(rule=fact.rule, lacks=field)
    standing = project.waivers.get(key(fact.rule, fact.target[0], name))
    if standing is None:
        return
    allowed = standing if fact.payee is None else _of_payee(standing, fact.payee)
    if not needed or (allowed and allowed.at_most == fact.at_most):
        raise AlreadyWaived(rule=fact.rule, name=name)


def _of_payee(waiver: Waiver, payee: Payee) -> WaivedPayee | None:
    return next((each for each in waiver.payees if each.payee == payee), None)


class Paying(NamedTuple):
    """A payment of an award to a payee. `more`: the fen that it adds to what the payee already has.

    `irregular`: the rules that the payment's request broke.
    """

    award: str
    payee: Payee
    more: int = 0
    irregular: tuple[str, ...] = ()


def above_limit(project: Project, paying: Any, at_most: Money) -> WaiverUsedUp | None:
    """The refusal if `paying` raises what its payee has of the award by waivers above `at_most`; otherwise None.

    `paying` has the fields of Paying.
    """
    used = project.paid_to_other(paying.award, paying.payee)
    if used + paying.more <= at_most:
        return None
    return WaiverUsedUp(payee=str(paying.payee), at_most=at_most, used=Money(used), amount=Money(paying.more))


def granted(project: Project, kind: str, name: str) -> Iterator[tuple[str, Waiver]]:
    """The waivers for one award or application, each with its key in `Project.waivers`.

    `kind` is "award" or "application", and `name` is the name of that award or application.
    """
    keys = (key(rule, kind, name) for rule, each in RULES.items() if each.waivable == kind)
    return ((each, project.waivers[each]) for each in keys if each in project.waivers)


def waived(context: Context, project: Project, rule: type[Refused], kind: str, name: str) -> Waiver | None:
    """The waiver of `rule` for one award or application; None if the rule is not waived for it.

    `kind` is "award" or "application", and `name` is the name of that award or application. Raises SamePerson if the
    person who posts the event, or that person's API key, granted the waiver.
    """
    waiver = project.waivers.get(key(rule.__name__, kind, name))
    if waiver:
        _by_another(context, waiver)
    return waiver


def allowed(project: Project, at: str, payee: Payee) -> Waiver | WaivedPayee | None:
    """The waiver, or the part of it about one payee, by which the waiver with the key `at` allows `payee`.

    None if there is no such waiver, or if it does not allow `payee`.
    """
    waiver = project.waivers.get(at)
    return _of_payee(waiver, payee) if waiver and waiver.payees else waiver


def waived_for(context: Context, project: Project, at: str, payee: Payee) -> Waiver | WaivedPayee | None:
    """As `allowed`, but raises SamePerson if the poster of the event, or the poster's API key, granted the waiver."""
    found = allowed(project, at, payee)
    if found:
        _by_another(context, found)
    return found


def _by_another(context: Context, granted_by: Waiver | WaivedPayee) -> None:
    if same := context.same_as(granted_by.by):
        raise SamePerson(who=same)
