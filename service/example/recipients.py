"""Invented applicants, plainly marked 示例, with codes whose check digits are right and scores that rank them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from stdnum.cn import uscc

from domain.allocation import allocate

NAMES = ("甲", "乙", "丙", "丁", "戊", "己", "庚", "辛", "壬", "癸", "子", "丑")


@dataclass
class Recipient:
    """One applicant, and the award it gets, if any: its amounts in fen by batch, and what goes wrong with it.

    `out`: it was excluded, or declined.
    """

    application: str
    name: str
    uscc: str
    account: str
    score: str
    award: str = ""
    amounts: dict[int, int] = field(default_factory=dict)
    trouble: str = ""
    accepted: bool = False
    out: bool = False

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


def share_out(batches: dict[int, int], recipients: list[Recipient]) -> int:
    """Give `recipients` the whole of each batch, by score, as the ledger allocates; in whole yuan if the batches are.

    Gives that quantum, in fen.
    """
    quantum = 1 if any(amount % 100 for amount in batches.values()) else 100
    shares = allocate(batches, [Decimal(recipient.score) for recipient in recipients], quantum)
    for recipient, share in zip(recipients, shares, strict=True):
        recipient.amounts = dict(share)
    return quantum
