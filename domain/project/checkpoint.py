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
    """A fact that is about one checkpoint. `last`: the ledger's note that the one named is the last."""

    @property
    def checkpoint(self) -> str | None: ...
    @property
    def last(self) -> bool | None: ...


F = TypeVar("F", bound=Any)


def checkpoint_of(fact: AtCheckpoint) -> str:
    """The one name of the checkpoint that `fact` is about, as `Line.gate` gives it; if it names none, the last one."""
    return Gate.ACCEPTANCE if fact.checkpoint is None or fact.last else fact.checkpoint


def named(context: Context, project: Project, fact: F) -> F:
    """`fact` with the note whether the checkpoint that it names is the last. Raises NotInPlan, CheckpointNotInPlan."""
    if fact.checkpoint is None:
        return fact
    line = context.ledger.fund(project.fund).line(project.code)
    if fact.checkpoint not in (*(line.checkpoints or ()), Gate.ACCEPTANCE):
        raise CheckpointNotInPlan(project=project.code, checkpoint=fact.checkpoint)
    return replace(fact, last=True) if line.gate(fact.checkpoint) == Gate.ACCEPTANCE else fact


def with_check(award: Award, checkpoint: str, **changes: Any) -> Map[str, Check]:
    """The award's `checks` after `changes` to its state at `checkpoint`."""
    return award.checks.set(checkpoint, replace(award.check(checkpoint), **changes))
