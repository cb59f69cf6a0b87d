"""The data of a tie-out: a statement's lines, the entries of the ledger, and pairings of both."""

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
    """A movement of money in a statement or in the ledger, with its day, payee, bank reference and voucher number."""

    on: date
    direction: Direction
    amount: Money
    payee: str | None = None
    account: BankAccount | None = None
    reference: str | None = None
    voucher: str | None = None

    @cached_property
    def name(self) -> str:
        """The payee's name, normalised for comparison."""
        return normalized(self.payee or "")

    @cached_property
    def numbers(self) -> Mapping[str, Hashable]:
        """The numbers that identify the payment, by kind: "reference" and "voucher", as far as they are known.

        Each value is a tuple of the kind, the direction and the normalised number. The tuple of a voucher also has the
        year, because voucher numbers restart yearly.
        """
        numbers: dict[str, Hashable] = {}
        if self.reference:
            numbers["reference"] = ("reference", self.direction, normal(self.reference))
        if self.voucher:
            numbers["voucher"] = ("voucher", self.direction, self.on.year, normal(self.voucher))
        return numbers


class Line(Cash, frozen=True, dict=True):
    """A line of a statement, numbered from 1. `account` is the counterparty's account, as far as the line states it."""

    number: int = 0
    summary: str | None = None

    @property
    def order(self) -> tuple[date, int]:
        return self.on, self.number


class Entry(Cash, frozen=True, dict=True):
    """An entry of the ledger for which a statement can have a line, such as a payment.

    `fund` is its fund, `on` the clearing day, `payment` the name of the payment. `amount` does not include any
    reversed part of the entry. `former`: the other names that the payee has had or has now; `code`: its credit code, if
    it has one.
    """

    stream: str = ""
    version: int = 0
    position: int = 0
    type: str = ""
    payment: str | None = None
    fund: str = ""
    former: tuple[str, ...] = ()
    code: str | None = None

    @property
    def former_names(self) -> tuple[str, ...]:
        """The other names of the payee, normalised for comparison."""
        return tuple(map(normalized, self.former))

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
    """The statement's first and last day, inclusive. `tolerance`: how many days a line and its entry may be apart."""

    first: date
    last: date
    tolerance: int

    def near(self, line: Line, entry: Entry) -> bool:
        """Whether `line` and `entry` are in the same month and not more days apart than `tolerance`.

        They must be in the same month because each month is an accounting period of its own.
        """
        close = abs((line.on - entry.on).days) <= self.tolerance
        return close and (line.on.year, line.on.month) == (entry.on.year, entry.on.month)


class Pairing(Struct, frozen=True):
    """Lines and entries that belong together, or a single line or entry without a match.

    `reasons`: what the lines and entries have in common. `differs`: how they differ; empty if they agree.

    Three fields explain a line without a match. `twin`: the number of the line that this line repeats. `settled`: the
    entry of this line, if another statement has already matched that entry. `pending`: the payment of this line, if the
    payment is instructed but not confirmed yet.

    `says`: for a contradiction in the statement itself, what the statement says that its lines contradict, in English
    and in Chinese. Then `lines` and `entries` are empty.
    """

    lines: tuple[Line, ...]
    entries: tuple[Entry, ...]
    reasons: tuple[str, ...] = ()
    differs: tuple[Difference, ...] = ()
    twin: int | None = None
    pending: Entry | None = None
    settled: Entry | None = None
    says: tuple[str, str] | None = None

    @property
    def confidence(self) -> int:
        """The confidence that the lines and entries belong together, from 0 to 100."""
        return min(100, sum(WEIGHTS[reason] for reason in self.reasons))


WEIGHTS = {
    "reference": 60,
    "voucher": 40,
    "amount": 25,
    "sum": 20,
    "account": 20,
    "payee": 15,
    "code": 15,
    "former_name": 12,
    "shortened_name": 8,
    "date": 10,
}
"""How much each thing that lines and entries have in common adds to the confidence of their pairing, out of 100."""
