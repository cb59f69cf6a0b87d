"""NoteRecorded: a note 备案 on a fund or a project, or on one of its applications or awards. It moves nothing."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from domain.decision_context import Context, Decision
from domain.event import Allowed, Fact, Recorded, Reference
from domain.rules.every_post import UnknownEntry, UnknownName
from domain.state.fund import Fund
from domain.state.project import Project

# Events ----------------------------------------------------------------------


class NoteKind(StrEnum):
    """What a note is about."""

    LEADER_CHANGED = "leader_changed"
    PARTNER_CHANGED = "partner_changed"
    AGREEMENT_CHANGED = "agreement_changed"
    AUTHORITY_CHANGED = "authority_changed"
    EVALUATION = "evaluation"
    RECUSAL = "recusal"
    OTHER = "other"


NOTE_KINDS_ZH = {
    NoteKind.LEADER_CHANGED: "负责人变更",
    NoteKind.PARTNER_CHANGED: "合作单位变更",
    NoteKind.AGREEMENT_CHANGED: "任务书变更",
    NoteKind.AUTHORITY_CHANGED: "主管部门变更",
    NoteKind.EVALUATION: "绩效评价",
    NoteKind.RECUSAL: "回避",
    NoteKind.OTHER: "其他",
}
"""The Chinese name of each kind of note."""


class NoteRecorded(Fact, frozen=True):
    """A note was put on record about the fund or project of its stream, or an application or award of the project.

    It moves no money, changes no decision, and may be recorded even after a closing. A note cannot be reversed. To
    correct a wrong note, record a new note whose `corrects` is the version of the wrong one.
    """

    zh = "备案"
    about_zh = (
        "登记备案事项，如负责人变更、任务书变更、绩效评价、回避；可以指明所涉的申报或立项。不移动资金，结项之后也可以登记。"
        "备案不能冲销：有误的，另行登记一条，以 corrects 指明所更正的备案。"
    )
    streams = ("fund", "project")
    allowed = Allowed.ALWAYS
    reversible = None
    cites = (("批复", "通知", "报告", "函", "纪要", "备案表", "声明"),)
    refused_by = (UnknownName, UnknownEntry)
    kind: NoteKind
    text: str
    application: str | None = None
    award: str | None = None
    corrects: int | None = None

    def refers_to(self, stream: str) -> tuple[Reference, ...]:
        return (Reference(stream, self.corrects),) if self.corrects is not None else ()


Event = NoteRecorded
FACTS: tuple[type[Fact], ...] = (Event,)

# Evolve ----------------------------------------------------------------------

S = TypeVar("S", Fund, Project)


def evolve(state: S, _: Event, __: Recorded) -> S:
    return state


# Decide ----------------------------------------------------------------------


def decide(context: Context, state: Fund | Project, fact: Event) -> Decision:
    for kind, name in (("application", fact.application), ("award", fact.award)):
        if name is not None and (isinstance(state, Fund) or name not in state.entities(kind)):
            raise UnknownName(kind=kind, name=name)
    if fact.corrects is not None:
        corrected = context.ledger.entries.get(Reference(context.stream, fact.corrects))
        if corrected is None or not isinstance(corrected.fact, NoteRecorded):
            raise UnknownEntry(stream=context.stream, version=fact.corrects)
    return context.allow()
