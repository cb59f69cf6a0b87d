"""Compares what a camt document says of itself with its entries: balances, totals, pages and sequence numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import TypeVar
from xml.etree.ElementTree import Element

from domain.fund.reconciliation import Direction
from domain.tie_out import Line
from service.statements import amounts, markup
from service.statements.agreement import NOTHING, combined, compared, contradiction, follows, placed, unreadable
from service.statements.balances import Checked, Totals, check, signed, steps_of
from service.statements.cells import Wrong
from service.statements.markup import find, find_all, text

DIRECTIONS = {"DBIT": Direction.OUT, "CRDT": Direction.IN}
OPENING, CLOSING, INTERIM = ("OPBD", "PRCD"), "CLBD", "ITBD"
"""Types of balances. PRCD is the closing balance of the statement before, which is this statement's opening balance."""
PAGES = ("StmtPgntn", "RptPgntn", "NtfctnPgntn")
Value = TypeVar("Value")


@dataclass(slots=True)
class Part:
    """A statement, report or notification and its entries, each as one line, with their places.

    `where`: its place in the document; "" if it is the only one. `pending`: the entries that are not booked.
    """

    where: str
    element: Element
    booked: list[Line] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    pending: list[Line] = field(default_factory=list)

    @property
    def prefix(self) -> str:
        return f"{self.where}, " if self.where else ""

    def add(self, row: str, entry: Line) -> None:
        self.booked.append(entry)
        self.rows.append(row)

    @property
    def sequence(self) -> int | None:
        return _whole_number(text(self.element, "ElctrncSeqNb"))

    @property
    def page(self) -> int | None:
        return next((_whole_number(text(self.element, f"{each}/PgNb")) for each in PAGES if _has(self, each)), None)

    @property
    def last_page(self) -> bool | None:
        found = [text(self.element, f"{each}/LastPgInd") for each in PAGES if _has(self, each)]
        return found[0] in ("true", "1") if found else None


def _has(part: Part, name: str) -> bool:
    return find(part.element, name) is not None


def _whole_number(written: str | None) -> int | None:
    return int(written) if written and written.isascii() and written.isdigit() and len(written) < 19 else None


def direction_of(parent: Element) -> Direction:
    """The direction of an entry or a balance: OUT for a debit of the account, IN for a credit. Raises Wrong.

    `RvslInd` is ignored: it only marks an entry as the reversal of an earlier entry.
    """
    direction = DIRECTIONS.get(text(parent, "CdtDbtInd") or "")
    if direction is None:
        raise Wrong("CdtDbtInd must be DBIT or CRDT.", "CdtDbtInd 须为 DBIT 或 CRDT。")
    return direction


def checked(parts: Sequence[Part], message_pages: Sequence[Element]) -> Checked:
    """Compare balances and totals with the entries of each statement, and each statement with the one before it.

    `message_pages`: the elements that say which page of a message of several pages the document is.
    """
    balances = [_balances(part) for part in parts]
    return combined(
        [
            *(each.checked for each in balances),
            *map(_totals, parts),
            *_following(parts, balances),
            *_pages(parts, message_pages),
            *_sequence(parts),
        ]
    )


# Balances --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Balances:
    """The balances before and after the entries of a statement, in fen, as far as it states them."""

    opening: int | None
    closing: int | None
    checked: Checked


@dataclass(frozen=True, slots=True)
class _Balance:
    type: str
    on: date | None
    fen: int


def _balances(part: Part) -> Balances:
    found: list[_Balance] = []
    wrong = [NOTHING]
    for number, element in enumerate(find_all(part.element, "Bal"), 1):
        try:
            found += _balance(element)
        except Wrong as error:
            wrong.append(unreadable(f"{part.prefix}Bal {number}", error))
    opening, closing = _ends(found)
    steps = steps_of(part.booked, part.rows)
    agree = placed(check(part.booked, steps, Totals(opening, closing)), f"{part.prefix}Bal")
    return Balances(opening, closing, combined([*wrong, agree]))


def _balance(element: Element) -> Iterator[_Balance]:
    """The booked balance in CNY, if `element` is one. Raises Wrong."""
    kind = text(element, "Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry") or ""
    amount = find(element, "Amt")
    if kind in (*OPENING, CLOSING, INTERIM) and (amount is None or amount.get("Ccy", "CNY") == "CNY"):
        fen = amounts.amount(None if amount is None else amount.text)
        yield _Balance(kind, markup.day(element, "Dt"), fen if direction_of(element) is Direction.IN else -fen)


def _ends(found: Sequence[_Balance]) -> tuple[int | None, int | None]:
    """The opening and the closing balance. An interim balance stands for the one that is missing, as on a page."""
    first = sorted((each for each in found if each.type in OPENING), key=_by_day)
    last = sorted((each for each in found if each.type == CLOSING), key=_by_day)
    interim = sorted((each for each in found if each.type == INTERIM), key=_by_day)
    if not first and (last or len(interim) > 1):
        first = interim[:1]
    if not last and interim and interim[-1:] != first:
        last = interim[-1:]
    return (first[0].fen if first else None), (last[-1].fen if last else None)


def _by_day(balance: _Balance) -> date:
    return balance.on or date.min


def _following(parts: Sequence[Part], balances: Sequence[Balances]) -> Iterator[Checked]:
    """Whether the opening balance of each statement is the closing balance of the one before it."""
    for before, after in pairwise(sorted(zip(parts, balances, strict=True), key=lambda each: _in_time(each[0]))):
        if before[1].closing is not None and after[1].opening is not None:
            yield follows(after[0].where, before[1].closing, after[1].opening)


def _in_time(part: Part) -> tuple[int, str, int]:
    """A key that orders statements by their number, the time when they begin, and their page."""
    return part.sequence or 0, text(part.element, "FrToDt/FrDtTm") or "", part.page or 0


# Totals ----------------------------------------------------------------------------


def _totals(part: Part) -> Checked:
    """Compare the totals with the booked entries, or, if they say more, with all entries: banks do either."""
    summary = find(part.element, "TxsSummry")
    if summary is None:
        return NOTHING
    where = f"{part.prefix}TxsSummry"
    booked = _summary(summary, where, part.booked)
    everything = _summary(summary, where, [*part.booked, *part.pending]) if part.pending else booked
    return everything if everything.adds_up else booked


def _summary(summary: Element, where: str, entries: Sequence[Line]) -> Checked:
    wrong = [NOTHING]

    def stated(parse: Callable[[str], Value], path: str) -> Value | None:
        try:
            return parse(written) if (written := text(summary, path)) else None
        except Wrong as error:
            wrong.append(unreadable(f"{where}/{path}", error))
            return None

    totals = Totals(
        lines=stated(amounts.count, "TtlNtries/NbOfNtries"),
        lines_out=stated(amounts.count, "TtlDbtNtries/NbOfNtries"),
        lines_in=stated(amounts.count, "TtlCdtNtries/NbOfNtries"),
        out=stated(amounts.amount, "TtlDbtNtries/Sum"),
        received=stated(amounts.amount, "TtlCdtNtries/Sum"),
    )
    gross = stated(amounts.amount, "TtlNtries/Sum")
    net = stated(amounts.amount, "TtlNtries/TtlNetNtry/Amt") or stated(amounts.amount, "TtlNtries/TtlNetNtryAmt")
    if net is not None and text(summary, "TtlNtries/TtlNetNtry/CdtDbtInd", "TtlNtries/CdtDbtInd") == "DBIT":
        net = -net
    sums = [
        compared(where, named, each, sum(sign(line) for line in entries))
        for named, each, sign in (
            (("sum of all entries", "全部合计"), gross, _gross),
            (("net sum of all entries", "收支净额"), net, signed),
        )
        if each is not None
    ]
    return combined([*wrong, placed(check(entries, (), totals), where), *sums])


def _gross(line: Line) -> int:
    return line.amount


# Pages and numbers -----------------------------------------------------------------


def _pages(parts: Sequence[Part], message_pages: Sequence[Element]) -> Iterator[Checked]:
    """Whether all pages are there: of the message, and of each statement that has several."""
    for each in message_pages:
        yield _complete("GrpHdr", [(_whole_number(text(each, "PgNb")), text(each, "LastPgInd") in ("true", "1"))])
    statements: dict[int | None, list[Part]] = {}
    for part in parts:
        if part.last_page is not None:
            statements.setdefault(part.sequence, []).append(part)
    for pages in statements.values():
        yield _complete(pages[0].where, [(part.page, bool(part.last_page)) for part in pages])


def _complete(where: str, pages: Sequence[tuple[int | None, bool]]) -> Checked:
    """Whether `pages` are all pages from the first to the last. Each is its number and whether it is the last one."""
    numbers = sorted(number or 0 for number, _ in pages)
    if numbers == list(range(1, len(pages) + 1)) and max(pages, key=lambda each: each[0] or 0)[1]:
        return NOTHING
    listed = ", ".join(map(str, numbers))
    return contradiction(
        where,
        f"The statement has several pages, and some are missing: page {listed} is here.",
        f"对账单有多页，缺页：此处仅有第 {listed} 页。",
    )


def _sequence(parts: Sequence[Part]) -> Iterator[Checked]:
    """Whether the numbers of the statements follow each other, except that they may restart, and none comes twice."""
    numbered = [part for part in sorted(parts, key=_in_time) if part.sequence is not None]
    for before, after in pairwise(numbered):
        first, second = before.sequence or 0, after.sequence or 0
        if second == first and (before.page is None or before.page == after.page):
            yield contradiction(
                after.where, f"Statement number {second} is here twice.", f"第 {second} 号对账单重复出现。"
            )
        elif second > first + 1:
            yield contradiction(
                after.where,
                f"Statement number {second} follows number {first}: those between are missing.",
                f"第 {first} 号之后为第 {second} 号对账单，中间缺号。",
            )
