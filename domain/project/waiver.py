"""Waivers 豁免 of a rule for one award or application, granted by a person who does not benefit from the waiver."""

from __future__ import annotations

from collections.abc import Iterator

from domain.decision_context import Context, Decision
from domain.event import Fact, Recorded, Restored, Reversible
from domain.money import Money
from domain.project.lifecycle import ProjectFact
from domain.rules import RULES, Refused
from domain.rules.award import AwardEnded
from domain.rules.call import InvalidCode
from domain.rules.every_post import BeforeItsCause, UnknownName
from domain.rules.waiver import AlreadyWaived, NotWaivable, SamePerson, WaiverIncomplete
from domain.state.entities import Payee, Waiver
from domain.state.project import Project


def _granted(_: Project, fact: WaiverGranted) -> tuple[Restored, ...]:
    kind, name = fact.target
    return (Restored("waiver", key(fact.rule, kind, name or "")),)


class WaiverGranted(ProjectFact, frozen=True):
    """A waivable rule was waived for one award or one application. The application need not be received yet.

    The person who grants the waiver must not be the person who posts an event that benefits from the waiver, such as
    the award. A waiver of PayeeMismatch or PayeeNotApplicant names the `payee` that it allows; the first also says how
    much this payee may receive `at_most`, and payments use it up.
    """

    zh = "豁免批准"
    about_zh = (
        "对某一立项或申报豁免一条可豁免的规则；批准人不得是受益事项的经办人。"
        "豁免收款人不符的，须写明收款人（payee）；用于支付的，还须写明其最多可收的金额（at_most）。"
    )
    reversible = Reversible(restores=_granted, by_another=True)
    cites = (("批准文件",),)
    apart_from = ("AwardListDecided",)
    refused_by = (
        NotWaivable,
        AlreadyWaived,
        WaiverIncomplete,
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
        """What the waiver is for: the word "award" or "application", and the name of that award or application.

        If the fact names neither, the word is "application" and the name is None.
        """
        return ("award", self.award) if self.award else ("application", self.application)


NAMES = {"PayeeMismatch": ("payee", "at_most"), "PayeeNotApplicant": ("payee",)}
"""The fields that a waiver of one of these rules must have."""

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
    waiver = Waiver(event.version, event.by, fact.payee, fact.at_most)
    return project.with_entity("waiver", key(fact.rule, kind, name), waiver)


def decide(context: Context, project: Project, fact: Event) -> Decision:
    kind, name = fact.target
    rule = RULES.get(fact.rule)
    if rule is None or rule.waivable != kind or name is None or (fact.award and fact.application):
        raise NotWaivable(rule=fact.rule, kind=kind)
    if key(fact.rule, kind, name) in project.waivers:
        raise AlreadyWaived(rule=fact.rule, name=name)
    if context.header.edition > 1:
        for field in NAMES.get(fact.rule, ()):
            if getattr(fact, field) is None:
                raise WaiverIncomplete(rule=fact.rule, lacks=field)
    if fact.payee:
        context.must_be_valid(fact.payee)
    if kind == "award":
        award = project.live_award(name)
        context.not_before("AwardListDecided", award.decided.on)
        if same := context.same_as(award.by):
            raise SamePerson(who=same)
    return context.allow()


def granted(project: Project, kind: str, name: str) -> Iterator[tuple[str, Waiver]]:
    """The waivers for one award or application, each with its key in `Project.waivers`.

    `kind` is "award" or "application", and `name` is the name of that award or application.
    """
    keys = (key(rule, kind, name) for rule, each in RULES.items() if each.waivable == kind)
    return ((each, project.waivers[each]) for each in keys if each in project.waivers)


def waived(context: Context, project: Project, rule: type[Refused], kind: str, name: str) -> bool:
    """Whether `rule` is waived for one award or application. `kind` is "award" or "application", `name` its name.

    Raises SamePerson if the person who posts the event, or that person's API key, granted the waiver.
    """
    waiver = project.waivers.get(key(rule.__name__, kind, name))
    if waiver and (same := context.same_as(waiver.by)):
        raise SamePerson(who=same)
    return waiver is not None
