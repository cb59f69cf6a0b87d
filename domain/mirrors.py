"""Facts that the ledger records on the other stream when money crosses between a fund and a project. Never posted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from domain.money import Money
from domain.record import Fact


@dataclass(frozen=True, slots=True)
class AllotmentReceived(Fact):
    """FundsAllotted, as the project sees it."""

    zh = "收到资金分配"
    stream: ClassVar[str] = "project"
    batch: int
    amount: Money


@dataclass(frozen=True, slots=True)
class FundsReturned(Fact):
    """Money that comes back from a project, as the fund sees it; `closes` if the project is closed by it."""

    zh = "项目资金退回"
    stream: ClassVar[str] = "fund"
    project: str
    amount: Money
    closes: bool
