"""The tables a life draws its steps from, each step as often as its weight says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from domain.event import Fact, Posted
from domain.state.project import Project
from tests.random_life.award_steps import AWARD_STEPS
from tests.random_life.fund_steps import FUND_STEPS, appropriate, close_period, reinstate, surrender
from tests.random_life.mischief_at_fund import MISCHIEF_AT_FUND
from tests.random_life.mischief_in_round import MISCHIEF_IN_ROUND
from tests.random_life.mischief_with_award import MISCHIEF_WITH_AWARD
from tests.random_life.payment_steps import PAYMENT_STEPS, PAYMENT_STEPS_AFTER_CLOSING
from tests.random_life.reversal_steps import REVERSAL_STEPS, REVERSAL_STEPS_AFTER_CLOSING
from tests.random_life.round_steps import ROUND_STEPS
from tests.random_life.statement_steps import MISCHIEF_WITH_STATEMENT, STATEMENT_STEPS, reconcile

if TYPE_CHECKING:
    from tests.random_life.life import RandomLife

Step = Callable[["RandomLife", Project], Fact | Posted | None]


def often(weights: Mapping[Step, int]) -> tuple[Step, ...]:
    """Each step as many times as it weighs."""
    return tuple(step for step, weight in weights.items() for _ in range(weight))


STEPS = often(FUND_STEPS | STATEMENT_STEPS | ROUND_STEPS | AWARD_STEPS | PAYMENT_STEPS | REVERSAL_STEPS)
STEPS_AFTER_CLOSING = often(
    PAYMENT_STEPS_AFTER_CLOSING
    | REVERSAL_STEPS_AFTER_CLOSING
    | {reinstate: 1, surrender: 1, close_period: 1, appropriate: 1, reconcile: 1}
)
MISCHIEF = (
    *MISCHIEF_AT_FUND.values(),
    *MISCHIEF_WITH_STATEMENT.values(),
    *often(dict.fromkeys((*MISCHIEF_IN_ROUND.values(), *MISCHIEF_WITH_AWARD.values()), 3)),
)
