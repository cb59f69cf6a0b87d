"""Invented applicants, marked 示例, with credit codes that have valid check digits and with descending scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from stdnum.cn import uscc

from domain.allocation import allocate

NAMES = ("甲", "乙", "丙", "丁", "戊", "己", "庚", "辛", "壬", "癸", "子", "丑")


@dataclass
class Recipient:
    """An applicant, and its award if it has one.

    `amounts`: the award's amounts in fen by batch. `trouble`: the award's trouble, one of payments.TROUBLES; empty if
    it has none. `out`: whether the applicant was excluded or declined its award. `id_card`: of a natural person, who
    has no `uscc`.
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
    id_card: str = ""

    @property
    def identity(self) -> dict[str, str]:
        """The recipient as applications and lists name it."""
        return {"name": self.name, **({"id_card": self.id_card} if self.id_card else {"uscc": self.uscc})}

    @property
    def payee(self) -> dict[str, str]:
        return {**self.identity, "account": self.account}


def invent(project: str, number: int, how_many: int) -> Iterator[Recipient]:
    """Invent `how_many` applicants to `project`, in descending order of their scores.

    `number`: the number of the project, which is part of its applicants' names, credit codes and accounts.
    """
    for index in range(how_many):
        code = f"9144010400{number:03d}{index:03d}X"
        yield Recipient(
            application=f"{project}-A{index + 1:02d}",
            name=f"示例{number}号项目{NAMES[index % len(NAMES)]}单位",
            uscc=code + uscc.calc_check_digit(code),
            account=f"6200000000{number:04d}{index:04d}",
            score=f"{92 - 3 * index}.5",
        )


def allocate_by_score(batches: dict[int, int], recipients: list[Recipient]) -> int:
    """Allocate each batch completely to `recipients` in proportion to their scores, and set their `amounts`.

    The shares are calculated with the ledger's algorithm. `batches`: the amounts in fen by batch. Returns the quantum,
    the smallest unit of allocation, in fen: 100 (whole yuan) if all batches are whole yuan, otherwise 1.
    """
    quantum = 1 if any(amount % 100 for amount in batches.values()) else 100
    shares = allocate(batches, [Decimal(recipient.score) for recipient in recipients], quantum)
    for recipient, share in zip(recipients, shares, strict=True):
        recipient.amounts = dict(share)
    return quantum
