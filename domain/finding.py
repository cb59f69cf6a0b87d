"""Findings 问题: faults that an audit, an inspection or the office itself found, and how they were settled.

A finding is recorded on the stream of a fund or of a project. An event that is recorded as irregular opens a finding
automatically, and so does a payment that nobody ordered. Source: DOMAIN, "Money that went wrong".
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from re import ASCII, fullmatch
from typing import TypeVar, assert_never, get_args

from msgspec.structs import replace

from domain.decision_context import Context, Decision
from domain.event import Allowed, Fact, Recorded, Reference, restores
from domain.money import Money
from domain.rules import RULES
from domain.rules.every_post import BeforeItsCause, NameTaken, UnknownEntry, UnknownName
from domain.rules.finding import FindingSettledAlready
from domain.state.entities import stepped, unstepped
from domain.state.finding import Finding
from domain.state.fund import Fund
from domain.state.project import Project

Owner = TypeVar("Owner", Fund, Project)

UNORDERED = "UnorderedPaymentFound"
"""The type of the event that opens a finding by itself without breaking a rule."""

# Events ----------------------------------------------------------------------


class FindingKind(StrEnum):
    """What a finding is about."""

    PAYMENT = "payment"
    SELECTION = "selection"
    USE = "use"
    ACCEPTANCE = "acceptance"
    RECORDS = "records"
    OTHER = "other"


class SettledBy(StrEnum):
    """How a finding was settled: the money came back, the fault was put right, or there was none."""

    RECOVERED = "recovered"
    REGULARISED = "regularised"
    EXPLAINED = "explained"


class FindingFact(Fact, frozen=True):
    streams = ("fund", "project")
    allowed = Allowed.ALWAYS


class FindingRecorded(FindingFact, frozen=True):
    """An audit, an inspection or the office itself found a fault. `finding` is a new name in the stream.

    `events` are the events that the finding is about, `amount` is the money concerned, `due_on` is the day by which the
    fault must be put right, and `authority` is the body that found it. This event cannot be reversed: settle a finding
    that was recorded by mistake as `explained`.
    """

    zh = "问题登记"
    about_zh = "登记审计、检查或自查发现的问题：涉及的事件、金额、整改期限和提出单位；误登的按“说明”销号。"
    cites = (("审计报告", "检查报告", "自查报告", "问题清单"),)
    reversible = None
    refused_by = (NameTaken, UnknownEntry, BeforeItsCause)
    finding: str
    kind: FindingKind
    text: str
    authority: str
    events: tuple[Reference, ...] = ()
    amount: Money | None = None
    due_on: date | None = None

    def refers_to(self, stream: str) -> tuple[Reference, ...]:
        return self.events


class FindingSettled(FindingFact, frozen=True):
    """A finding was settled: the money was recovered, the fault was put right, or it was explained.

    A reversal of this event opens the finding again. An event that opened a finding by itself cannot be reversed in
    full while the finding is settled.
    """

    zh = "整改销号"
    about_zh = "问题整改完毕销号：资金追回、补正，或说明情况。冲销后问题恢复为未整改。"
    cites = (("整改报告", "销号文件", "缴款书", "批复"),)
    reversible = restores("finding", by_another=True)
    refused_by = (UnknownName, FindingSettledAlready, BeforeItsCause)
    finding: str
    how: SettledBy
    text: str


Event = FindingRecorded | FindingSettled
FACTS: tuple[type[Fact], ...] = get_args(Event)

# Evolve ----------------------------------------------------------------------


def evolve(owner: Owner, fact: Event, event: Recorded) -> Owner:
    match fact:
        case FindingRecorded():
            found = Finding(event.version, event.cause, due_on=fact.due_on)
            return replace(owner, findings=owner.findings.set(fact.finding, found))
        case FindingSettled():
            settled = stepped(owner.findings[fact.finding], event.version, settled=True)
            return replace(owner, findings=owner.findings.set(fact.finding, settled))
        case _:
            assert_never(fact)


def unsettled(fund: Fund, name: str) -> Fund:
    """The fund after the finding was settled by mistake: it is open again."""
    before = unstepped(fund.findings[name])
    assert before is not None, "a finding is settled after it was recorded"
    return replace(fund, findings=fund.findings.set(name, before))


def opened_by(project: Project, event: Recorded, *rules: str) -> Project:
    """`project` with a finding for each of `rules`, which the irregular `event` broke."""
    found = {name_of(rule, event.version): Finding(event.version, event.cause) for rule in rules}
    return replace(project, findings=project.findings.update(found))


def name_of(rule: str, version: int) -> str:
    """The name of the finding that the event of this version opened by breaking `rule`."""
    return f"{rule}-{version}"


def _is_reserved(name: str) -> bool:
    """Whether an event may open a finding of this name by itself (see `name_of`): then nobody else may take it."""
    rule, _, version = name.rpartition("-")
    return bool(fullmatch("[0-9]+", version, ASCII)) and (rule in RULES or rule == UNORDERED)


# Decide ----------------------------------------------------------------------


def decide(context: Context, owner: Fund | Project, fact: Event) -> Decision:
    match fact:
        case FindingRecorded():
            if fact.finding in owner.findings or _is_reserved(fact.finding):
                raise NameTaken(kind="finding", name=fact.finding)
            for each in fact.events:
                _is_of_the_fund(context, each)
            if fact.due_on and fact.due_on < context.occurred_on:
                raise BeforeItsCause(occurred_on=fact.due_on, cause="FindingRecorded", cause_on=context.occurred_on)
        case FindingSettled():
            found = owner.findings.get(fact.finding)
            if found is None:
                raise UnknownName(kind="finding", name=fact.finding)
            if found.settled:
                raise FindingSettledAlready(finding=fact.finding)
            context.not_before("FindingRecorded", found.opened.on)
        case _:
            assert_never(fact)
    return context.allow()


def _is_of_the_fund(context: Context, reference: Reference) -> None:
    entry, fund = context.ledger.entries.get(reference), context.ledger.fund_of(context.stream)
    assert fund is not None, "the stream exists"
    if entry is None or entry.fund != fund.code:
        raise UnknownEntry(stream=reference.stream, version=reference.version)
