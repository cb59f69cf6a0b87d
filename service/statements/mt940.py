"""Reads the customer statements MT940 and MT942 of SWIFT: fields such as `:61:`, each on one or more lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise

from domain.fund.reconciliation import Direction
from domain.money import Money
from domain.tie_out import Line
from service.statements import amounts, cells, markup
from service.statements.agreement import Period, combined, contradiction, follows, placed, unreadable
from service.statements.balances import Checked, Totals, check, steps_of
from service.statements.cells import AccountOf, Wrong
from service.statements.collector import Collector
from service.statements.plain_text import decoded
from service.statements.statement import Statement, StatementWrong

CURRENCY = "CNY"
OPENING, CLOSING = ("60F", "60M", "60"), ("62F", "62M", "62")
DETAILS, ENTRY = "86", "61"
FIELDS = {*OPENING, *CLOSING, DETAILS, ENTRY, "13", "13D", "20", "21", "25", "25P", "28", "28C", "34F", "NS"} | {
    "64", "65", "90C", "90D",
}  # fmt: skip
"""All fields of the two messages."""
_FIELD = re.compile(r":([0-9]{2}[A-Z]?|NS):(.*)", re.DOTALL)
_LIKE_A_FIELD = re.compile(r"\W*(?:6[0-2][FM]?)\W")
"""A line that is probably a balance or an entry whose first characters were damaged."""
_BALANCE = re.compile(r"([CD])([0-9]{6})([A-Z]{3})([0-9]{1,15}[,.][0-9]{0,2})\s*")
_SUM = re.compile(r"([0-9]{1,9})([A-Z]{3})([0-9]{1,15}[,.][0-9]{0,2})\s*")
_ENTRY = re.compile(
    r"(?P<value>[0-9]{6})(?P<entry>[0-9]{4})?\s{0,4}(?P<mark>R?[CD]|E[CD])(?P<funds>[A-Z])?"
    r"(?P<amount>[0-9]{1,15}[,.][0-9]{0,2})(?P<type>[A-Z][A-Z0-9]{3})(?P<own>(?:(?!//)[^\n])*)"
    r"(?://(?P<bank>[^\n]*))?(?P<more>\n.*)?",
    re.DOTALL,
)
MARKS = {"C": Direction.IN, "D": Direction.OUT, "RC": Direction.OUT, "RD": Direction.IN}
"""The direction of each mark. RC is the reversal of a credit, so money goes out; RD is the reversal of a debit."""
EXPECTED = ("EC", "ED")
"""Marks of entries that are only expected."""
_CODE = re.compile(r"/(NAME|IBAN|REMI)/(.*?)(?=/[A-Z]{3,5}/|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a message: its tag, its text and the number of its first line in the file."""

    tag: str
    text: str
    line: int

    @property
    def where(self) -> str:
        return f"line {self.line}"


@dataclass(slots=True)
class _Message:
    """A message and its booked entries with their places. Balances are in fen; None if not stated."""

    fields: list[_Field]
    lines: list[Line] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    opening: int | None = None
    closing: int | None = None
    opened: date = date.min
    closed: date = date.min
    checked: list[Checked] = field(default_factory=list)

    def first(self, *tags: str) -> _Field | None:
        return next((each for each in self.fields if each.tag in tags), None)

    @property
    def number(self) -> tuple[int, ...]:
        """The numbers of the statement and of its page."""
        stated = self.first("28C", "28")
        return tuple(map(int, re.findall(r"[0-9]{1,9}", stated.text))) if stated else ()


def is_mt940(content: bytes) -> bool:
    """Whether a file is a SWIFT message of an account: it has the header of one, or begins with its reference."""
    start = markup.head(content)
    return bool(re.match(r"\s*\{1:", start) or re.search(r"^\s{0,3}:20:", start, re.MULTILINE))


def read(content: bytes, account_of: AccountOf, sha256: str) -> Statement:
    """The booked entries of all messages in the file, which must be of one account in CNY. Raises StatementWrong.

    The booking day of an entry is its entry date, or else its value date. A statement covers the days after that of
    its opening balance, unless it has entries of that day, up to that of its closing balance.
    """
    written, encoding = decoded(content)
    found = Collector()
    messages = list(_messages(_fields(written, found)))
    _require_one_account(messages)
    for message in messages:
        _read_message(message, found, account_of)
    interim = any(message.first("34F", "90C", "90D") for message in messages)
    form = "mt942" if interim else "mt940"
    return found.statement(sha256, form, _period(messages), _checked(messages), encoding)


def _fields(written: str, found: Collector) -> Iterator[_Field]:
    """The fields of all messages. Lines outside the fields, such as those of the envelope, are left out."""
    current: _Field | None = None
    for number, line in enumerate(written.splitlines(), 1):
        begun = re.sub(r"^\{1:.*\{4:", "", line)
        if match := _FIELD.fullmatch(begun):
            if current:
                yield current
            current = _Field(match[1], match[2], number)
            with found.at(current.where):
                if current.tag not in FIELDS:
                    raise Wrong(f"The field :{current.tag}: is not of a statement.", f"未知字段 :{current.tag}:。")
        elif re.match(r"-?\}|\{|-\s*$", line):
            if current:
                yield current
            current = None
        elif _LIKE_A_FIELD.match(line):
            with found.at(f"line {number}"):
                raise Wrong("The line is damaged: it is probably a field.", "此行已损坏，疑为字段。")
        elif current:
            current = _Field(current.tag, f"{current.text}\n{line}", current.line)
    if current:
        yield current


def _messages(fields: Iterator[_Field]) -> Iterator[_Message]:
    current: _Message | None = None
    for each in fields:
        if each.tag == "20":
            if current:
                yield current
            current = _Message([])
        if current is None:
            raise StatementWrong(
                [(each.where, "The message must begin with the field :20:.", "报文须以 :20: 字段开头。")]
            )
        current.fields.append(each)
    if current:
        yield current


def _require_one_account(messages: Sequence[_Message]) -> None:
    stated = [message.first("25", "25P") for message in messages]
    other = next((each for each in stated if each and stated[0] and each.text.strip() != stated[0].text.strip()), None)
    if other or not messages:
        raise StatementWrong(
            [
                (
                    other.where if other else "",
                    "The file must contain MT940 statements, all of one account.",
                    "须含同一账户的 MT940 对账单。",
                )
            ]
        )


def _read_message(message: _Message, found: Collector, account_of: AccountOf) -> None:
    currencies: set[str] = set()
    for at, each in enumerate(message.fields):
        with found.at(each.where):
            if each.tag in (*OPENING, *CLOSING):
                currencies.add(_read_balance(message, each))
            elif each.tag in ("90C", "90D", "34F") and (stated := re.search(r"[A-Z]{3}", each.text)):
                currencies.add(stated[0])
            elif each.tag == ENTRY:
                after = message.fields[at + 1] if at + 1 < len(message.fields) else None
                _read_entry(message, each, after if after and after.tag == DETAILS else None, found, account_of)
    with found.at(message.fields[0].where):
        if currencies != {CURRENCY}:
            stated_currencies = ", ".join(sorted(currencies)) or "not stated"
            raise Wrong(
                f"The statement must be in {CURRENCY}; its currency is {stated_currencies}.",
                f"对账单币种须为 {CURRENCY}。",
            )


def _read_balance(message: _Message, stated: _Field) -> str:
    """Set the opening or the closing balance of `message`; returns the currency. Raises Wrong."""
    parts = _BALANCE.fullmatch(stated.text)
    if parts is None:
        raise Wrong("The balance cannot be read.", "余额无法读取。")
    fen = amounts.decimal(parts[4])
    fen = fen if parts[1] == "C" else -fen
    if stated.tag in OPENING:
        message.opening, message.opened = fen, _day(parts[2])
    else:
        message.closing, message.closed = fen, _day(parts[2])
    return parts[3]


def _day(written: str) -> date:
    """The date of six digits; years from 80 are of the 20th century. Raises Wrong."""
    return cells.day(f"{'19' if written >= '80' else '20'}{written}")


def _read_entry(
    message: _Message, entry: _Field, details: _Field | None, found: Collector, account_of: AccountOf
) -> None:
    parts = _ENTRY.fullmatch(entry.text.rstrip())
    if parts is None:
        raise Wrong("The entry cannot be read.", "明细行无法读取。")
    amount = amounts.decimal(parts["amount"])
    if parts["mark"] in EXPECTED or not amount:
        found.skip(entry.where, parts["mark"], parts["amount"], details.text if details else None)
        return
    payee, account, summary = _details(details.text if details else "")
    line = Line(
        _booking_day(parts["value"], parts["entry"]),
        MARKS[parts["mark"]],
        Money(amount),
        cells.name(payee),
        cells.account(account, account_of),
        markup.number(parts["bank"]),
        markup.number(parts["own"]),
        summary=cells.name(summary or (parts["more"] or "").strip()),
    )
    found.add(entry.where, line)
    message.lines.append(line)
    message.rows.append(entry.where)


def _booking_day(value: str, entry: str | None) -> date:
    """The entry date, which has no year and is the nearest to the value date; the value date if it is missing."""
    valued = _day(value)
    if entry is None:
        return valued
    days = []
    for year in (valued.year - 1, valued.year, valued.year + 1):
        try:
            days.append(date(year, int(entry[:2]), int(entry[2:])))
        except ValueError:
            continue
    if not days:
        raise Wrong(f"{entry} is not a month and a day.", f"{entry} 不是月、日。")
    return cells.day(min(days, key=lambda each: abs(each - valued)))


def _details(written: str) -> tuple[str, str, str]:
    """The payee, its account and the summary in the field :86:, which may be structured by `?20` or `/NAME/`."""
    joined = "".join(written.splitlines())
    if re.match(r"\s*[0-9]{3}\?[0-9]{2}", joined):
        parts = {each[:2]: each[2:] for each in joined.split("?")[1:]}
        summary = "".join(parts[key] for key in sorted(parts) if re.fullmatch("2[0-9]|6[0-3]", key))
        return parts.get("32", "") + parts.get("33", ""), parts.get("31", ""), summary
    if codes := dict(_CODE.findall(joined)):
        return codes.get("NAME", ""), codes.get("IBAN", ""), codes.get("REMI", "")
    return "", "", " ".join(written.split())


def _period(messages: Sequence[_Message]) -> Period:
    """The days that the statements cover, by the days of their balances; None where there is no balance."""
    opened = min((each.opened for each in messages if each.opening is not None), default=None)
    closed = max((each.closed for each in messages if each.closing is not None), default=None)
    days = [line.on for message in messages for line in message.lines]
    if opened and closed and opened < closed and min(days, default=date.max) > opened:
        opened += timedelta(days=1)
    return opened, closed


# Comparisons -----------------------------------------------------------------------


def _checked(messages: Sequence[_Message]) -> Checked:
    ordered = sorted(messages, key=lambda each: (each.opened, each.number))
    return combined([*map(_own, messages), *_pages(ordered), *_following(ordered)])


def _own(message: _Message) -> Checked:
    totals = Totals(message.opening, message.closing)
    where = message.fields[0].where
    balances = placed(check(message.lines, steps_of(message.lines, message.rows), totals), where)
    return combined([balances, *_sums(message)])


def _sums(message: _Message) -> Iterator[Checked]:
    """Compare the numbers and sums of debits (:90D:) and credits (:90C:) of an MT942 with its entries."""
    for each in message.fields:
        if each.tag in ("90D", "90C"):
            parts = _SUM.fullmatch(each.text)
            if parts is None:
                yield unreadable(each.where, Wrong("The sum cannot be read.", "合计无法读取。"))
                continue
            number, total = int(parts[1]), amounts.decimal(parts[3])
            out, received = Totals(lines_out=number, out=total), Totals(lines_in=number, received=total)
            yield placed(check(message.lines, (), out if each.tag == "90D" else received), each.where)


def _pages(ordered: Sequence[_Message]) -> Iterator[Checked]:
    """Whether the first page begins and the last page ends with a final balance, which is not an intermediate one."""
    for message, tag in ((ordered[0], "60M"), (ordered[-1], "62M")):
        if stated := message.first(tag):
            yield contradiction(
                stated.where,
                "The balance is that of a page of a statement: other pages are missing.",
                "此余额为对账单分页余额，缺少其他页。",
            )


def _following(ordered: Sequence[_Message]) -> Iterator[Checked]:
    for before, after in pairwise(ordered):
        if before.closing is not None and after.opening is not None:
            yield follows(after.fields[0].where, before.closing, after.opening)
