"""Sharing a fixed total out by score (seed, project 7): exact for the total and for each batch, in whole quanta.

The total goes by scores, by largest remainder; each batch but the last goes in proportion to the totals awarded, never
above what an award has left; the last batch is the difference. Source: DOMAIN, "Score allocation".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from domain.money import Money
from domain.rules.award import NothingToShareBy, QuantumTooCoarse

TIES = "申报号在先者优先"
"""What decides between equal remainders: the earlier application number 受理号."""
METHOD = "largest remainder by score; batches by awarded totals; ties to the earlier application number"
METHOD_ZH = "按得分最大余数法分配总额，各批次按立项总额分配，尾数相同者申报号在先者优先"


def allocate(batches: Mapping[int, int], scores: Sequence[Decimal], quantum: int) -> list[dict[int, Money]]:
    """What each of `scores` gets of each of `batches`, in fen; of equals, the earlier gets the odd quantum.

    Raises QuantumTooCoarse if a batch is no multiple of `quantum`; NothingToShareBy without a score above zero.
    """
    for number, amount in batches.items():
        if amount % quantum:
            raise QuantumTooCoarse(batch=number, amount=Money(amount), quantum=Money(quantum))
    weights = [int(score * 100) for score in scores]
    if not any(weights):
        raise NothingToShareBy
    totals = _proportional(sum(batches.values()) // quantum, weights, [None] * len(weights))
    shares: list[dict[int, Money]] = [{} for _ in scores]
    left: list[int] = list(totals)
    *earlier, last = sorted(batches)
    for number in earlier:
        for index, part in enumerate(_proportional(batches[number] // quantum, totals, left)):
            shares[index][number] = Money(part * quantum)
            left[index] -= part
    for index, part in enumerate(left):
        shares[index][last] = Money(part * quantum)
    return shares


def _proportional(total: int, weights: Sequence[int], most: Sequence[int | None]) -> list[int]:
    """`total` in whole parts in proportion to `weights`, none above its `most`; odd ones to the largest remainders."""
    whole = sum(weights) or 1
    exact = (total * weight // whole for weight in weights)
    parts = [part if cap is None else min(part, cap) for part, cap in zip(exact, most, strict=True)]
    order = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    odd = total - sum(parts)
    while odd:
        for index in order:
            cap = most[index]
            if odd and weights[index] and (cap is None or parts[index] < cap):
                parts[index] += 1
                odd -= 1
    return parts
