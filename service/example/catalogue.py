"""The examples that `suyuan run` can load, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service import example
from service.example import life, many_projects, three_levels
from service.example.history import WorkingDays
from service.example.steps import Post, source_of
from service.plans import plan_file

HERE = Path(__file__).parent
DEFAULT = example.FUND


@dataclass(frozen=True)
class Example:
    """An example: its plan file, the function that posts its history, and a sentence about it in both languages.

    Its name is the code of its fund. `confirmation`: a file with an event that can be posted to it next, the
    confirmation of the payment that it leaves in transit; None if the README has it. `statement`: a bank statement.
    `posts`: how many posts its plan and history are; None if it is so short that it may be posted at every start, which
    records nothing again.
    """

    plan: Path
    play: Callable[[Post, Sequence[Mapping[str, Any]], WorkingDays], None]
    about: str
    about_zh: str
    confirmation: Path | None = None
    statement: Path | None = None
    posts: int | None = None


def sources(name: str) -> tuple[str, str]:
    """The sources of the posts of the example with this name: those of its plan, and those of its history."""
    return plan_file.source_of(name), source_of(name)


EXAMPLES = {
    DEFAULT: Example(
        example.PLAN,
        life.play,
        "the real plan of one district, nine projects and two invented ones, an invented history",
        "一个区的真实计划，九个项目，另有两个虚构的项目，经过为虚构",
        statement=example.STATEMENT,
    ),
    "three-levels-2022": Example(
        HERE / "three-levels-2022.yaml",
        three_levels.play,
        "central, provincial and district money over two years, invented",
        "中央、省、区三级资金，分两年到位，全部虚构",
        confirmation=HERE / "three-levels-2022-confirmation.json",
    ),
    "many-projects-2021": Example(
        HERE / "many-projects-2021.yaml",
        many_projects.play,
        "200 projects, invented; loads in half a minute",
        "200 个项目，全部虚构，载入约半分钟",
        confirmation=HERE / "many-projects-2021-confirmation.json",
        posts=6_073,
    ),
}
