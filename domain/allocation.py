"""Allocates a fixed total to awards by their scores, as the fund's plan prescribes for its project 7.

Each share is a multiple of one amount, the quantum. All shares add up to the total, and the shares of each batch add up
to the amount of that batch. First, the total of each award is calculated: the sum of all batches is divided in
proportion to the scores, by the largest remainder method. Then each batch except the last is divided in proportion to
the awards' totals; no award gets more than its total. In the last batch, each award gets the rest of its total. Source:
DOMAIN, "Score allocation".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from domain.money import Money
from domain.rules.award import NothingToShareBy, QuantumTooCoarse

TIES = "申报号在先者优先"
"""The rule for equal remainders, as it is recorded: the application with the earlier number 受理号 comes first."""
METHOD = "largest remainder by score; batches by awarded totals; ties to the earlier application number"
METHOD_ZH = "按得分最大余数法分配总额，各批次按立项总额分配，尾数相同者申报号在先者优先"


def allocate(batches: Mapping[int, int], scores: Sequence[Decimal], quantum: int) -> list[dict[int, Money]]:
    """Divides the amounts of `batches` in proportion to `scores`.

    Returns for each score, in the order of `scores`, its share of each batch, by batch number. `batches` maps batch
    numbers to amounts in fen. Shares are multiples of `quantum`, an amount in fen. If two scores have equal remainders,
    the earlier score in `scores` gets the quantum that is left. Scores count with two decimals; further decimals are
    cut off. Raises QuantumTooCoarse if a batch is not a multiple of `quantum`, and NothingToShareBy if no score is
    above zero.
    """
    for number, amount in batches.items():
        if amount % quantum:
            raise QuantumTooCoarse(batch=number, amount=Money(amount), quantum=Money(quantum))
    weights = [int(score * 100) for score in scores]
    if not any(weights):
        raise NothingToShareBy
    totals = _proportional(sum(batches.values()) // quantum, weights, [None] * len(weights))
    shares: list[dict[int, Money]] = [{} for _ in scores]
    rest: list[int] = list(totals)
    *earlier, last = sorted(batches)
    for number in earlier:
        for index, part in enumerate(_proportional(batches[number] // quantum, totals, rest)):
            shares[index][number] = Money(part * quantum)
            rest[index] -= part
    for index, part in enumerate(rest):
        shares[index][last] = Money(part * quantum)
    return shares


def _proportional(total: int, weights: Sequence[int], caps: Sequence[int | None]) -> list[int]:
    """Divides `total` into whole parts in proportion to `weights`. No part exceeds its cap; None means no cap.

    After rounding down, the units that are left go to the largest remainders first.
    """
    whole = sum(weights) or 1
    exact = (total * weight // whole for weight in weights)
    parts = [part if cap is None else min(part, cap) for part, cap in zip(exact, caps, strict=True)]
    order = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    odd = total - sum(parts)
    while odd:
        for index in order:
            cap = caps[index]
            if odd and weights[index] and (cap is None or parts[index] < cap):
                parts[index] += 1
                odd -= 1
    return parts
