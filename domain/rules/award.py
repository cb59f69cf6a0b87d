"""What a project refuses to award."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from domain.money import Money
from domain.rules.refused import Refused


@dataclass(eq=False)
class NoPlacesLeft(Refused):
    """The project may have at most {limit} awards: {taken} are taken and {asked} more are asked for."""

    zh = "项目立项数量上限 {limit}，已占 {taken}，再加 {asked} 超限。"
    remedy = "Award no more than the plan allows, and publish no further call once all places are taken."
    remedy_zh = "立项数量不超过计划上限；名额已满的，不再发布征集。"
    limit: int
    taken: int
    asked: int


@dataclass(eq=False)
class NotInNotice(Refused):
    """The application {application} was not in the public notice."""

    zh = "申报 {application} 未列入公示。"
    remedy = "Award only what the completed notice listed, or complete a new notice that lists the application."
    remedy_zh = "只对已公示的申报立项；未公示的，重新公示后再立项。"
    application: str


@dataclass(eq=False)
class BasisMismatch(Refused):
    """The award list cites {what} version {cited}; the one in force is {current}."""

    zh = "立项名单引用的 {what} 为第 {cited} 号事件，现行有效的版本号：{current}。"
    remedy = "Give the versions of the project's latest ReviewConcluded and NoticeStarted."
    remedy_zh = "填写本项目最近一次评审结论和公示开始事件的版本号。"
    what: str
    cited: int
    current: int | None


@dataclass(eq=False)
class ScoreMismatch(Refused):
    """The application {application} scored {reviewed}, not {score}."""

    zh = "申报 {application} 的评审得分为 {reviewed}，不是 {score}。"
    remedy = "Copy the score from the latest review."
    remedy_zh = "得分照最近一次评审结果填写。"
    application: str
    score: Decimal
    reviewed: Decimal


@dataclass(eq=False)
class FixedTotalNotUsed(Refused):
    """The total is fixed: batch {batch} would leave {left} of the line unawarded."""

    zh = "总额不变：第 {batch} 批将剩余 {left} 元未安排。"
    remedy = "Share out the whole line: let the awards of each batch add up to all that it holds."
    remedy_zh = "将额度全部安排：各批次立项金额合计须等于该批次额度。"
    batch: int
    left: Money


@dataclass(eq=False)
class LineNotAllotted(Refused):
    """The total is fixed and decided once: batch {batch} has {allotted} allotted of {planned} planned."""

    zh = "总额不变且首次立项：第 {batch} 批计划 {planned} 元，已分配 {allotted} 元。"
    remedy = "Allot all that is planned for the project, then decide its award list."
    remedy_zh = "先将该项目的计划额度全部分配到位，再作出立项决定。"
    batch: int
    allotted: Money
    planned: Money
