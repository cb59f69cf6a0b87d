"""Rules for opening a project, and for a closed project."""

from __future__ import annotations

from dataclasses import dataclass

from domain.rules.refused import Refused


@dataclass(eq=False)
class ProjectExists(Refused):
    """The project {project} is already open."""

    zh = "项目 {project} 已经设立。"
    remedy = "Open each project only once, and post later events to it."
    remedy_zh = "每个项目只设立一次，后续业务直接提交到该项目。"
    project: str


@dataclass(eq=False)
class ProjectOfOtherFund(Refused):
    """The project {project} belongs to the fund {fund}."""

    zh = "项目 {project} 属于专项资金 {fund}。"
    remedy = "Allot, withdraw and reallocate in the fund that the project belongs to."
    remedy_zh = "分配、收回和调剂由该项目所属的专项资金办理。"
    project: str
    fund: str


@dataclass(eq=False)
class ProjectIsClosed(Refused):
    """The project {project} is closed."""

    zh = "项目 {project} 已结项。"
    remedy = (
        "Post to an open project; a closed project accepts only returns, recoveries, renames of recipients, and"
        " reversals of the closing and of later events."
    )
    remedy_zh = "项目业务应在结项前办理；结项后只受理退款、追缴、单位更名，以及结项和其后事项的冲销。"
    project: str
