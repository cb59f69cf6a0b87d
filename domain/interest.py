"""How interest 孳息 is taken in, by the bank's own payment or with a recovery: with serials of its own."""

from __future__ import annotations

from msgspec.structs import replace

from domain.decision_context import Context
from domain.event import Recorded
from domain.fen import MAX_BOUND, FenSet
from domain.money import Money
from domain.posting import INTEREST, Move, issue
from domain.rules.fund import SerialsExhausted
from domain.rules.interest import InterestTooLarge
from domain.state.fund import USUAL_MAX_APPROPRIATION, USUAL_MAX_TOTAL, Fund

TAKEN = (InterestTooLarge, SerialsExhausted)
"""The rules that may refuse each event by which interest comes in."""


def with_interest(fund: Fund, event: Recorded) -> Fund:
    """`fund` with the interest that `event` took in added to its sum."""
    amount = sum(moved.amount for moved in event.moves if moved.target == INTEREST)
    return replace(fund, interest=Money(fund.interest + amount)) if amount else fund


def taken(context: Context, fund: Fund, event: str, amount: Money, when: str = "") -> Move:
    """The move that takes `amount` of interest in, with new serials, by the posting rule of `event` and `when`.

    Ceilings keep a mistake from using up the serials. The ceilings are those of the fund's appropriations, but at least
    USUAL_MAX_APPROPRIATION and USUAL_MAX_TOTAL, so that a low setting never keeps received interest from being
    recorded. Raises InterestTooLarge, SerialsExhausted.
    """
    of_one, of_all = map(max, fund.settings.ceilings, (USUAL_MAX_APPROPRIATION, USUAL_MAX_TOTAL))
    total = Money(fund.interest + amount)
    if amount > of_one or total > of_all:
        raise InterestTooLarge(ceiling=of_one if amount > of_one else of_all, amount=max(amount, total))
    first = context.ledger.next_serial
    if amount > MAX_BOUND - first:
        raise SerialsExhausted(left=Money(MAX_BOUND - first), amount=amount)
    return issue(event, FenSet.span(first, first + amount), when)
