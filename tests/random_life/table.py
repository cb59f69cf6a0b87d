"""The tuples from which a life draws its steps. Each step occurs in a tuple as many times as its weight."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from domain.event import Fact, Posted
from domain.state.project import Project
from tests.random_life.award_steps import AWARD_STEPS, end, note, rename_recipient
from tests.random_life.base import Life
from tests.random_life.fund_steps import FUND_STEPS, appropriate, close_period, reinstate, surrender
from tests.random_life.invalid_award_steps import INVALID_AWARD_STEPS
from tests.random_life.invalid_fund_steps import INVALID_FUND_STEPS
from tests.random_life.invalid_round_steps import INVALID_ROUND_STEPS
from tests.random_life.payment_steps import PAYMENT_STEPS, PAYMENT_STEPS_AFTER_CLOSING
from tests.random_life.reversal_steps import REVERSAL_STEPS, REVERSAL_STEPS_AFTER_CLOSING
from tests.random_life.round_steps import ROUND_STEPS
from tests.random_life.statement_steps import INVALID_STATEMENT_STEPS, STATEMENT_STEPS, reconcile
from tests.random_life.wrong_steps import INVALID_WRONG_STEPS, WRONG_STEPS, WRONG_STEPS_AFTER_CLOSING

Step = Callable[["Life", Project], Fact | Posted | None]


def repeated(weights: Mapping[Step, int]) -> tuple[Step, ...]:
    """A tuple that has each step as many times as its weight."""
    return tuple(step for step, weight in weights.items() for _ in range(weight))


STEPS = repeated(
    FUND_STEPS | STATEMENT_STEPS | ROUND_STEPS | AWARD_STEPS | PAYMENT_STEPS | REVERSAL_STEPS | WRONG_STEPS
)
STEPS_AFTER_CLOSING = repeated(
    PAYMENT_STEPS_AFTER_CLOSING
    | REVERSAL_STEPS_AFTER_CLOSING
    | WRONG_STEPS_AFTER_CLOSING
    | {rename_recipient: 1, reinstate: 1, surrender: 1, close_period: 1, appropriate: 1, reconcile: 1, end: 1, note: 1}
)
INVALID_STEPS = (
    *INVALID_FUND_STEPS.values(),
    *INVALID_STATEMENT_STEPS.values(),
    *INVALID_WRONG_STEPS.values(),
    *repeated(dict.fromkeys((*INVALID_ROUND_STEPS.values(), *INVALID_AWARD_STEPS.values()), 3)),
    *repeated({INVALID_AWARD_STEPS["ApproverTwice"]: 9}),  # it needs two steps on one payment
)
