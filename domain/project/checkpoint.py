"""The checkpoints of an award: which one an event is about, and the award's state there."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from immutables import Map
from msgspec.structs import replace

from domain.decision_context import Context
from domain.rules.acceptance import CheckpointNotInPlan
from domain.state.entities import Award, Check
from domain.state.fund import Gate
from domain.state.project import Project


class AtCheckpoint(Protocol):
    """A fact about one checkpoint. `last` is true if the ledger found that `checkpoint` names the last checkpoint."""

    @property
    def checkpoint(self) -> str | None: ...
    @property
    def last(self) -> bool | None: ...


F = TypeVar("F", bound=Any)


def checkpoint_of(fact: AtCheckpoint) -> str:
    """The checkpoint of `fact`, by the name that `Line.gate` returns. If `fact` names none, it is the last one."""
    return Gate.ACCEPTANCE if fact.checkpoint is None or fact.last else fact.checkpoint


def named(context: Context, project: Project, fact: F) -> F:
    """`fact` with `last` set to true if it names the last checkpoint. Raises NotInPlan, CheckpointNotInPlan."""
    if fact.checkpoint is None:
        return fact
    line = context.ledger.fund(project.fund).line(project.code)
    if fact.checkpoint not in (*(line.checkpoints or ()), Gate.ACCEPTANCE):
        raise CheckpointNotInPlan(project=project.code, checkpoint=fact.checkpoint)
    return replace(fact, last=True) if line.gate(fact.checkpoint) == Gate.ACCEPTANCE else fact


def with_check(award: Award, checkpoint: str, **changes: Any) -> Map[str, Check]:
    """The award's `checks` after `changes` to its state at `checkpoint`."""
    return award.checks.set(checkpoint, replace(award.check(checkpoint), **changes))
