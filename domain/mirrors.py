"""Facts that the ledger records on the other stream when money crosses between a fund and a project. Never posted."""

from __future__ import annotations

from domain.event import Fact
from domain.money import Money


class AllotmentReceived(Fact, frozen=True):
    """Money that comes into a batch of the project's line, as the project sees it."""

    zh = "收到资金分配"
    streams = ("project",)
    batch: int
    amount: Money


class AllotmentReduced(Fact, frozen=True):
    """Money that leaves a batch of the project's line for the pool, as the project sees it."""

    zh = "资金分配调减"
    streams = ("project",)
    batch: int
    amount: Money


class FundsReturned(Fact, frozen=True):
    """Money that comes back from a project, as the fund sees it; `closes` if the project is closed by it."""

    zh = "项目资金退回"
    streams = ("fund",)
    project: str
    amount: Money
    closes: bool


class FundsReturnReversed(Fact, frozen=True):
    """Money that had come back goes to the project again, as the fund sees it; `reopens` if its closing is undone."""

    zh = "项目资金退回冲销"
    streams = ("fund",)
    project: str
    amount: Money
    reopens: bool


MIRRORS: tuple[type[Fact], ...] = (AllotmentReceived, AllotmentReduced, FundsReturned, FundsReturnReversed)
