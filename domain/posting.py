"""The accounts that hold money, and the posting rules: a table of which event moves money between which accounts.

Source: DOMAIN, "Every fen has a serial number". Amounts are fen (分).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import NamedTuple

from immutables import Map
from msgspec import Struct

from domain.fen import FenSet
from domain.money import Money
from domain.rules.every_post import BalanceTooSmall
from domain.rules.fund import OriginTooSmall

TREASURY = "treasury"
POOL = "pool"
SURRENDERED = "surrendered"
RECOVERED = "recovered"
LINE = "line"
COMMITTED = "committed"
PAYABLE = "payable"
IN_APPROVAL = "in_approval"
IN_TRANSIT = "in_transit"
PAID = "paid"
INTEREST = "interest"
INTEREST_SURRENDERED = "interest_surrendered"


class Account(NamedTuple):
    """The properties of one account.

    `owner`: the kind of stream whose state holds the account: `fund`, `project`, or `none` for the treasury. `key`: the
    fields of Place that divide the account; it has a separate balance for each combination of their values.
    """

    owner: str
    key: tuple[str, ...]


ACCOUNTS = {
    TREASURY: Account("none", ()),
    POOL: Account("fund", ()),
    SURRENDERED: Account("fund", ()),
    INTEREST: Account("fund", ()),
    INTEREST_SURRENDERED: Account("fund", ()),
    RECOVERED: Account("fund", ("project", "award", "batch")),
    LINE: Account("project", ("project", "batch")),
    COMMITTED: Account("project", ("project", "award", "batch")),
    PAYABLE: Account("project", ("project", "award", "batch")),
    IN_APPROVAL: Account("project", ("project", "award", "batch", "payment")),
    IN_TRANSIT: Account("project", ("project", "award", "batch", "payment")),
    PAID: Account("project", ("project", "award", "batch", "payment")),
}
IN_FLIGHT = (IN_APPROVAL, IN_TRANSIT)
OF_PAYMENT = (*IN_FLIGHT, PAID)
"""The accounts that hold the money of one payment."""
ALLOTTED = (LINE, COMMITTED, PAYABLE, IN_APPROVAL, IN_TRANSIT, PAID)
"""The accounts that together hold the amount allotted to a batch of a project and not returned to the fund."""


class Posting(NamedTuple):
    """One posting rule: events of the type `event` move fen from the account `source` to the account `target`.

    `when`: the condition under which this rule applies, if the event type has several rules.
    """

    event: str
    source: str
    target: str
    when: str = ""


GATE_OPEN, GATE_SHUT = "gate open", "gate shut"
OF_INTEREST = (INTEREST, INTEREST_SURRENDERED)
"""The accounts of interest 孳息, which is not the fund's money: no other account ever holds its fen."""

POSTINGS = (
    Posting("AppropriationReceived", TREASURY, POOL),
    Posting("FundsAllotted", POOL, LINE),
    Posting("AllotmentWithdrawn", LINE, POOL),
    Posting("FundsReallocated", LINE, POOL, "taken"),
    Posting("FundsReallocated", POOL, LINE, "given"),
    Posting("FundsReinstated", RECOVERED, POOL),
    Posting("SurplusSurrendered", POOL, SURRENDERED, "pool"),
    Posting("SurplusSurrendered", RECOVERED, SURRENDERED, "recovered"),
    Posting("AwardListDecided", LINE, PAYABLE, GATE_OPEN),
    Posting("AwardListDecided", LINE, COMMITTED, GATE_SHUT),
    Posting("AwardAmended", LINE, PAYABLE, f"up, {GATE_OPEN}"),
    Posting("AwardAmended", LINE, COMMITTED, f"up, {GATE_SHUT}"),
    Posting("AwardAmended", PAYABLE, LINE, f"down, {GATE_OPEN}"),
    Posting("AwardAmended", COMMITTED, LINE, f"down, {GATE_SHUT}"),
    Posting("AwardDeclined", PAYABLE, LINE, GATE_OPEN),
    Posting("AwardDeclined", COMMITTED, LINE, GATE_SHUT),
    Posting("AwardRevoked", PAYABLE, LINE, GATE_OPEN),
    Posting("AwardRevoked", COMMITTED, LINE, GATE_SHUT),
    Posting("AwardTerminated", PAYABLE, LINE, GATE_OPEN),
    Posting("AwardTerminated", COMMITTED, LINE, GATE_SHUT),
    Posting("AgreementSigned", COMMITTED, PAYABLE),
    Posting("AcceptancePassed", COMMITTED, PAYABLE),
    Posting("PaymentRequested", PAYABLE, IN_APPROVAL),
    Posting("PaymentRequested", COMMITTED, IN_APPROVAL, GATE_SHUT),
    Posting("PaymentRejected", IN_APPROVAL, PAYABLE),
    Posting("PaymentRejected", IN_APPROVAL, COMMITTED, GATE_SHUT),
    Posting("PaymentCancelled", IN_APPROVAL, PAYABLE),
    Posting("PaymentCancelled", IN_APPROVAL, COMMITTED, GATE_SHUT),
    Posting("PaymentInstructed", IN_APPROVAL, IN_TRANSIT),
    Posting("PaymentConfirmed", IN_TRANSIT, PAID),
    Posting("PaymentFailed", IN_TRANSIT, PAYABLE),
    Posting("PaymentFailed", IN_TRANSIT, COMMITTED, GATE_SHUT),
    Posting("PaymentReturned", PAID, PAYABLE, "same year, award live"),
    Posting("PaymentReturned", PAID, RECOVERED, "later year or award ended"),
    Posting("UnorderedPaymentFound", PAYABLE, PAID, PAYABLE),
    Posting("UnorderedPaymentFound", COMMITTED, PAID, COMMITTED),
    Posting("UnorderedPaymentFound", LINE, PAID, LINE),
    Posting("UnorderedPaymentFound", POOL, PAID, POOL),
    Posting("RecoveryReceived", PAID, RECOVERED),
    Posting("RecoveryReceived", TREASURY, INTEREST, INTEREST),
    Posting("InterestReceived", TREASURY, INTEREST),
    Posting("InterestSurrendered", INTEREST, INTEREST_SURRENDERED),
    Posting("ProjectClosed", LINE, POOL),
)
"""All posting rules. EntryReversed has none: a reversal moves fen from the `target` back to the `source` of a rule."""
WHEN_ZH = {
    "": "",
    GATE_OPEN: "拨付条件已满足",
    GATE_SHUT: "拨付条件未满足",
    f"up, {GATE_OPEN}": "调增，拨付条件已满足",
    f"up, {GATE_SHUT}": "调增，拨付条件未满足",
    f"down, {GATE_OPEN}": "调减，拨付条件已满足",
    f"down, {GATE_SHUT}": "调减，拨付条件未满足",
    "taken": "调出",
    "given": "调入",
    "pool": "来自待分配资金",
    "recovered": "来自已追回资金",
    PAYABLE: "来自应付",
    COMMITTED: "来自立项承诺",
    LINE: "来自项目额度",
    INTEREST: "孳息",
    "same year, award live": "当年且立项有效",
    "later year or award ended": "以后年度或立项已终结",
}
"""The Chinese text of each condition `when` in POSTINGS."""
_POSTING = {(rule.event, rule.when): rule for rule in POSTINGS}


class Place(NamedTuple):
    """The project, batch, award and payment that an amount is for, as far as they apply.

    In an AccountAt, the fields that are not in the account's key are None.
    """

    project: str | None = None
    batch: int | None = None
    award: str | None = None
    payment: str | None = None

    @property
    def without_payment(self) -> Place:
        return Place(self.project, self.batch, self.award)

    def __str__(self) -> str:
        """The fields that are set, joined, such as `yx-ip-2018-08/2/L02`; `fund` if none is set."""
        return "/".join(str(part) for part in self if part is not None) or "fund"


class AccountAt(NamedTuple):
    """One account at one place."""

    account: str
    place: Place


@lru_cache(maxsize=10_000)
def account_at(account: str, place: Place) -> AccountAt:
    """`account` at `place`; the fields of `place` that are not in the account's key become None."""
    key = ACCOUNTS[account].key
    fields = [part if name in key else None for name, part in zip(Place._fields, place, strict=True)]
    return AccountAt(account, Place._make(fields))


def key_of(*accounts: str) -> tuple[str, ...]:
    """The fields of Place that are in the key of at least one of `accounts`, in the order of Place."""
    return tuple(part for part in Place._fields if any(part in ACCOUNTS[account].key for account in accounts))


@lru_cache(maxsize=10_000)
def _of_all_payments(account: str, place: Place) -> AccountAt:
    """The key of `account` at `place` in `Accounts.sums`. It names no payment, because a sum covers all payments."""
    return AccountAt(account, account_at(account, place).place.without_payment)


class Move(Struct, frozen=True):
    """A set of fen that moves from the account `source` to the account `target`.

    `place` has every field that is in the key of `source` or in the key of `target`.
    """

    source: str
    target: str
    place: Place
    fen: FenSet

    @property
    def amount(self) -> Money:
        return Money(self.fen.total)


def reversed_move(moved: Move, fen: FenSet) -> Move:
    """The move that returns `fen` to the source account of `moved`. `fen` is all or some of the fen of `moved`."""
    return Move(moved.target, moved.source, moved.place, fen)


class Accounts(Struct, frozen=True):
    """The money of one stream: `holdings` has the fen in each account at each place, `sums` has the amounts.

    `sums` are in fen, by account and place; one sum covers all payments of an award in a batch. `owner` is the kind of
    the stream, "fund" or "project". `project` is the project's code; it is None for a fund.
    """

    owner: str
    project: str | None = None
    holdings: Map[AccountAt, FenSet] = Map()
    sums: Map[AccountAt, int] = Map()

    def fen(self, account: str, place: Place = Place()) -> FenSet:
        """The fen that `account` holds at `place`."""
        return self.holdings.get(account_at(account, place)) or FenSet()

    def balance(self, account: str, place: Place = Place()) -> Money:
        """The amount in `account` at `place`; for an account that is kept per payment, the sum over all payments."""
        return Money(self.sums.get(_of_all_payments(account, place), 0))

    def total(self, accounts: Iterable[str]) -> Money:
        """The amount in `accounts` together, at all places of the stream.

        The time is linear in the number of `sums`: call this when a fund or project is closed, but not for every
        payment.
        """
        wanted = frozenset(accounts)
        return Money(sum(amount for (account, _), amount in self.sums.items() if account in wanted))

    def apply(self, moves: Iterable[Move]) -> Accounts:
        """These accounts after `moves`. A side of a move (source or target) that another stream owns is ignored.

        Raises FenMissing if the source lacks a fen of a move, and FenOverlap if the target already has one.
        """
        holdings, sums = self.holdings, self.sums
        for move in moves:
            for account, sign in ((move.source, -1), (move.target, +1)):
                if not self._owns(account, move.place):
                    continue
                at = account_at(account, move.place)
                held = holdings.get(at) or FenSet()
                held = held + move.fen if sign > 0 else held - move.fen
                holdings = holdings.set(at, held) if held else holdings.delete(at)
                over = _of_all_payments(account, move.place)
                left = sums.get(over, 0) + sign * move.fen.total
                sums = sums.set(over, left) if left else sums.delete(over)
        return Accounts(self.owner, self.project, holdings, sums)

    def _owns(self, account: str, place: Place) -> bool:
        return ACCOUNTS[account].owner == self.owner and self.project in (None, place.project)


class Origin(NamedTuple):
    """A part of the fund's fen that a move may be limited to, such as those of one source, and its name."""

    name: str
    fen: FenSet


def move(
    accounts: Accounts, event: str, place: Place, amount: int, when: str = "", *, origin: Origin | None = None
) -> Move:
    """The move of `amount` fen at `place` by the posting rule of `event` and `when`.

    The fen with the lowest serials move; if `origin` is given, those of its fen with the lowest serials. Raises
    BalanceTooSmall if the source account holds less than `amount` at `place`. Raises OriginTooSmall if it holds enough,
    but less than `amount` of the fen of `origin`.
    """
    posting = rule(event, when)
    held = accounts.fen(posting.source, place)
    at = str(account_at(posting.source, place).place)
    if amount > held.total:
        raise BalanceTooSmall(account=posting.source, place=at, available=Money(held.total), amount=Money(amount))
    if origin:
        held &= origin.fen
        if amount > held.total:
            available = Money(held.total)
            raise OriginTooSmall(
                account=posting.source, place=at, origin=origin.name, available=available, amount=Money(amount)
            )
    return Move(posting.source, posting.target, place, held.take(amount))


def rule(event: str, when: str = "") -> Posting:
    """The posting rule of `event` under the condition `when`."""
    return _POSTING[event, when]


@cache
def source_of(event: str) -> str:
    """The account that the event type `event` takes money from. All its posting rules must have the same source."""
    return next(rule.source for rule in POSTINGS if rule.event == event)


def issue(event: str, fen: FenSet, when: str = "") -> Move:
    """The move that takes `fen` out of the treasury, by the posting rule of `event`. The serials of `fen` are new."""
    posting = rule(event, when)
    return Move(posting.source, posting.target, Place(), fen)
