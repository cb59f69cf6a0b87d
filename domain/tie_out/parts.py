"""What is tied out: a statement's lines, the entries of the books, and what belongs together."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import date
from functools import cached_property

from msgspec import Struct

from domain.documents import normal
from domain.event import Reference
from domain.fund.reconciliation import CashEntry, Difference, Direction
from domain.money import Money
from domain.normalise import normalized
from domain.state.entities import BankAccount


class Cash(Struct, frozen=True, dict=True):
    """Money that moved on a day, as a statement or the books have it, and whom and what it was for."""

    on: date
    direction: Direction
    amount: Money
    payee: str | None = None
    account: BankAccount | None = None
    reference: str | None = None
    voucher: str | None = None

    @cached_property
    def name(self) -> str:
        """The payee's name as names are compared."""
        return normalized(self.payee or "")

    @cached_property
    def numbers(self) -> Mapping[str, Hashable]:
        """The numbers that tell which payment it is; those of vouchers begin anew each year."""
        found: dict[str, Hashable] = {}
        if self.reference:
            found["reference"] = ("reference", self.direction, normal(self.reference))
        if self.voucher:
            found["voucher"] = ("voucher", self.direction, self.on.year, normal(self.voucher))
        return found


class Line(Cash, frozen=True, dict=True):
    """A line of a statement. `number` is its own, from 1; `account` the other party's, as far as it is told."""

    number: int = 0
    summary: str | None = None

    @property
    def order(self) -> tuple[date, int]:
        return self.on, self.number


class Entry(Cash, frozen=True, dict=True):
    """An entry of the books: `on` is the day of clearing, `amount` less what was reversed."""

    stream: str = ""
    version: int = 0
    position: int = 0
    type: str = ""
    payment: str | None = None

    @property
    def order(self) -> tuple[date, int]:
        return self.on, self.position

    @property
    def at(self) -> Reference:
        return Reference(self.stream, self.version)

    @property
    def cash(self) -> CashEntry:
        return CashEntry(self.stream, self.version, self.amount)


class Days(Struct, frozen=True):
    """The statement's days, both included, and how many days apart a line and its entry may be."""

    first: date
    last: date
    tolerance: int

    def near(self, line: Line, entry: Entry) -> bool:
        """Close enough, and in one month: else it is another period's."""
        close = abs((line.on - entry.on).days) <= self.tolerance
        return close and (line.on.year, line.on.month) == (entry.on.year, entry.on.month)


class Pairing(Struct, frozen=True):
    """Lines and entries that belong together, or one that stands alone. No `differs`: they agree.

    `twin` is the line that a duplicate repeats, `settled` the entry that another statement has already; `pending` a
    payment that is instructed and not confirmed yet.
    """

    lines: tuple[Line, ...]
    entries: tuple[Entry, ...]
    reasons: tuple[str, ...] = ()
    differs: tuple[Difference, ...] = ()
    twin: int | None = None
    pending: Entry | None = None
    settled: Entry | None = None

    @property
    def confidence(self) -> int:
        """How sure it is that they belong together, from 0 to 100."""
        return min(100, sum(WEIGHTS[reason] for reason in self.reasons))


WEIGHTS = {"reference": 60, "voucher": 40, "amount": 25, "sum": 20, "account": 20, "payee": 15, "date": 10}
"""What each reason adds to the confidence of a pairing."""
