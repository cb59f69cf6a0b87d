"""Invented applicants, plainly marked 示例, with codes whose check digits are right and scores that rank them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from stdnum.cn import uscc

NAMES = ("甲", "乙", "丙", "丁", "戊", "己", "庚", "辛", "壬", "癸", "子", "丑")


@dataclass
class Recipient:
    """One applicant, and the award it gets, if any: its amounts in fen by batch, and what goes wrong with it."""

    application: str
    name: str
    uscc: str
    account: str
    score: str
    award: str = ""
    amounts: dict[int, int] = field(default_factory=dict)
    trouble: str = ""
    accepted: bool = False

    @property
    def payee(self) -> dict[str, str]:
        return {"name": self.name, "uscc": self.uscc, "account": self.account}


def invent(project: str, number: int, how_many: int) -> Iterator[Recipient]:
    """Applicants to the project of this number, best score first."""
    for index in range(how_many):
        code = f"9144010400{number:03d}{index:03d}X"
        yield Recipient(
            application=f"{project}-A{index + 1:02d}",
            name=f"示例{number}号项目{NAMES[index % len(NAMES)]}单位",
            uscc=code + uscc.calc_check_digit(code),
            account=f"6200000000{number:04d}{index:04d}",
            score=f"{92 - 3 * index}.5",
        )


def largest_remainder(total: int, weights: list[int]) -> list[int]:
    """`total` in whole parts in proportion to `weights`; the rest goes to the largest remainders, one each."""
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts


def share_out(batches: dict[int, int], recipients: list[Recipient]) -> int:
    """Give `recipients` the whole of each batch, in proportion to their scores; the last batch takes the rounding.

    In whole yuan where the batches are whole yuan, else in fen; gives that quantum in fen.
    """
    quantum = 1 if any(amount % 100 for amount in batches.values()) else 100
    weights = [int(recipient.score.replace(".", "")) for recipient in recipients]
    totals = largest_remainder(sum(batches.values()) // quantum, weights)
    left = list(totals)
    *earlier, last = sorted(batches)
    for batch in earlier:
        for index, parts in enumerate(largest_remainder(batches[batch] // quantum, totals)):
            recipients[index].amounts[batch] = parts * quantum
            left[index] -= parts
    for recipient, parts in zip(recipients, left, strict=True):
        recipient.amounts[last] = parts * quantum
    return quantum
