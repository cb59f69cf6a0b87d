"""The tables a life draws its steps from, each step as often as its weight says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from domain.money import Money
from domain.project.state import Project
from domain.record import Fact, Posted, Recorded
from domain.reversal.decide import REVERSIBLE
from domain.reversal.fact import EntryReversed
from tests.random_life.award_steps import AWARD_STEPS
from tests.random_life.fund_steps import FUND_STEPS, OTHER_FUND, appropriate, close_period, reinstate, surrender
from tests.random_life.mischief_at_fund import MISCHIEF_AT_FUND
from tests.random_life.mischief_in_round import MISCHIEF_IN_ROUND
from tests.random_life.mischief_with_award import MISCHIEF_WITH_AWARD
from tests.random_life.payment_steps import PAYMENT_STEPS, PAYMENT_STEPS_AFTER_CLOSING
from tests.random_life.round_steps import ROUND_STEPS

if TYPE_CHECKING:
    from tests.random_life.life import RandomLife

Step = Callable[["RandomLife", Project], Fact | Posted | None]


def reverse_of_project(life: RandomLife, project: Project) -> Posted | None:
    return reverse(life, f"project/{project.code}")


def reverse_of_fund(life: RandomLife, _: Project) -> Posted | None:
    return reverse(life, "fund/f")


def reverse_in_other_fund(life: RandomLife, _: Project) -> Posted | None:
    return reverse(life, OTHER_FUND) if life.chance(20) else None


def reverse(life: RandomLife, stream: str) -> Posted | None:
    """One of the last reversible entries is reversed, as a whole or in part."""
    found = [entry for entry in life.events[-80:] if entry.stream == stream and type(entry.fact) in REVERSIBLE][-8:]
    owner = life.books.stream(stream).state
    if owner and owner.closed_at and life.chance(90):
        found = [entry for entry in found if entry.version >= owner.closed_at]
    if not found:
        return None
    entry = found[-1] if life.chance(60) else life.pick(found)
    return life.post(EntryReversed(entry.version, "录入有误", part_of(life, entry)), stream)


def part_of(life: RandomLife, entry: Recorded) -> Money | None:
    if not (REVERSIBLE[type(entry.fact)].in_part and life.chance(40)):
        return None
    return life.amount(entry.moves[0].fen.total + 1)


def often(weights: Mapping[Step, int]) -> tuple[Step, ...]:
    """Each step as many times as it weighs."""
    return tuple(step for step, weight in weights.items() for _ in range(weight))


REVERSALS = {reverse_of_project: 3, reverse_of_fund: 1, reverse_in_other_fund: 1}
STEPS = often(FUND_STEPS | ROUND_STEPS | AWARD_STEPS | PAYMENT_STEPS | REVERSALS)
STEPS_AFTER_CLOSING = often(
    PAYMENT_STEPS_AFTER_CLOSING
    | {reinstate: 1, surrender: 1, close_period: 1, appropriate: 1, reverse_of_project: 2, reverse_of_fund: 1}
)
MISCHIEF = (
    *MISCHIEF_AT_FUND.values(),
    *often(dict.fromkeys((*MISCHIEF_IN_ROUND.values(), *MISCHIEF_WITH_AWARD.values()), 3)),
)
