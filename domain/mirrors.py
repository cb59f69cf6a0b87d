"""Mirrors: facts that the ledger records if an event on one stream moves money to or from another stream.

A mirror is recorded on the other stream. Mirrors are not posted: the ledger adds them to the event that a sender
posted, which is their leader.
"""

from __future__ import annotations

from domain.event import Fact
from domain.money import Money


class AllotmentReceived(Fact, frozen=True):
    """Money entered a batch of the project's line. The mirrored event (the leader) is on the fund's stream."""

    zh = "收到资金分配"
    streams = ("project",)
    batch: int
    amount: Money


class AllotmentReduced(Fact, frozen=True):
    """Money left a batch of the project's line for the pool.

    The mirrored event (the leader) is on the fund's stream.
    """

    zh = "资金分配调减"
    streams = ("project",)
    batch: int
    amount: Money


class FundsReturned(Fact, frozen=True):
    """Money went back from a project to the fund.

    The mirrored event (the leader) is on the project's stream. `closes` is true if the leader is ProjectClosed.
    """

    zh = "项目资金退回"
    streams = ("fund",)
    project: str
    amount: Money
    closes: bool


class FundsReturnReversed(Fact, frozen=True):
    """A return of money from a project to the fund was reversed.

    The mirrored event (the leader) is on the project's stream. `reopens` is true if the reversed entry is
    ProjectClosed.
    """

    zh = "项目资金退回冲销"
    streams = ("fund",)
    project: str
    amount: Money
    reopens: bool


class FundsPaidOut(Fact, frozen=True):
    """A bank paid money out of the pool although nobody had ordered the payment.

    The mirrored event (the leader) is on the project's stream.
    """

    zh = "待分配资金账外支付"
    streams = ("fund",)
    project: str
    amount: Money


MIRRORS: tuple[type[Fact], ...] = (
    AllotmentReceived,
    AllotmentReduced,
    FundsReturned,
    FundsReturnReversed,
    FundsPaidOut,
)
