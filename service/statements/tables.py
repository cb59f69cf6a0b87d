"""A sheet read as a statement: its headings found, each row below them a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.fund.reconciliation import Direction
from domain.money import Money
from domain.names import plain
from domain.tie_out import Line
from service.api.limits import MOST_STATEMENT_LINES
from service.statements import cells
from service.statements.cells import AccountOf, Cell, Wrong
from service.statements.sheets import MOST_ROWS, Sheet
from service.statements.statement import MOST_ERRORS, Error, Statement, StatementWrong

HEADINGS: dict[str, tuple[str, ...]] = {
    "date": ("交易日期", "记账日期", "入账日期", "清算日期", "支付日期", "交易时间", "日期", "date"),
    "out": ("借方发生额", "借方金额", "支出金额", "付款金额", "借方", "支出", "debit"),
    "in": ("贷方发生额", "贷方金额", "收入金额", "收款金额", "贷方", "收入", "credit"),
    "amount": ("交易金额", "支付金额", "发生额", "金额", "amount"),
    "direction": ("借贷标志", "借贷方向", "收支方向", "借贷", "收支", "direction"),
    "payee": (
        "对方户名", "对方单位名称", "对方单位", "对方名称", "收款人名称", "收款人全称", "收款人户名", "收款人",
        "收款单位", "payee",
    ),
    "account": ("对方账号", "对方帐号", "收款人账号", "收款人帐号", "收款账号", "account"),
    "reference": ("流水号", "交易流水号", "银行流水号", "核心流水号", "交易流水", "reference"),
    "voucher": ("支付凭证号", "凭证号", "凭证号码", "凭证编号", "voucher"),
    "summary": ("摘要", "用途", "附言", "备注", "summary"),
    "balance": ("账户余额", "余额", "balance"),
}  # fmt: skip
"""What each part of a line is usually called, the likeliest first."""
DIRECTIONS = {
    **dict.fromkeys(("借", "借方", "支", "支出", "付", "付款", "d", "dr", "dbit", "debit", "out"), Direction.OUT),
    **dict.fromkeys(("贷", "贷方", "收", "收入", "收款", "c", "cr", "crdt", "credit", "in"), Direction.IN),
}
NO_LINES = (
    "合计",
    "总计",
    "小计",
    "本页",
    "本期",
    "本月",
    "本年",
    "累计",
    "期初",
    "期末",
    "上期",
    "上页",
    "承前",
    "过次",
    "total",
)
"""How rows begin that sum up, or carry over."""
HEADINGS_WITHIN = 50
"""Among how many first rows the headings are looked for."""


@dataclass(slots=True)
class _Reading:
    """What has been read so far."""

    lines: list[Line] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    balances: list[int | None] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    errors: list[Error] = field(default_factory=list)


def read(sheet: Sheet, columns: Mapping[str, str], account_of: AccountOf, sha256: str) -> Statement:
    """The statement on a sheet. `columns`: the headings of what is not called as usual. Raises StatementWrong."""
    if len(sheet.rows) > MOST_ROWS:
        raise StatementWrong(_too_long(MOST_ROWS))
    top, found = _headings(sheet.rows, columns)
    reading = _Reading()
    for number, row in enumerate(sheet.rows[top + 1 :], top + 2):
        _read_row(reading, number, row, found, account_of)
        if len(reading.errors) >= MOST_ERRORS:
            break
    if reading.errors:
        raise StatementWrong(reading.errors)
    if len(reading.lines) > MOST_STATEMENT_LINES:
        raise StatementWrong(_too_long(MOST_STATEMENT_LINES))
    return Statement(
        sha256,
        sheet.form,
        tuple(reading.lines),
        encoding=sheet.encoding,
        columns={part: cells.text(sheet.rows[top][at]) for part, at in found.items()},
        rows=tuple(reading.rows),
        skipped=tuple(reading.skipped),
        adds_up=_adds_up(reading.lines, reading.balances),
    )


def _too_long(most: int) -> list[Error]:
    return [("", f"It has more than {most} lines: split it by days.", f"超过 {most} 行，请按日期拆分。")]


# Headings -----------------------------------------------------------------------


def _headings(rows: Sequence[Sequence[Cell]], columns: Mapping[str, str]) -> tuple[int, dict[str, int]]:
    """The row that has them, and the column of each part. Raises StatementWrong."""
    wanted = {part: (columns[part],) if part in columns else usual for part, usual in HEADINGS.items()}
    for top, row in enumerate(rows[:HEADINGS_WITHIN]):
        titles = [_title(cell) for cell in row]
        found = {part: at for part, names in wanted.items() if (at := _find(titles, names)) is not None}
        if "date" in found and found.keys() & {"out", "in", "amount"} and columns.keys() <= found.keys():
            _check_unit(top, row, found)
            return top, _without_repetition(found)
    asked = "; ".join(f"{part}={heading}" for part, heading in columns.items()) or "日期, 金额"
    raise StatementWrong(
        [
            (
                "",
                f"No row has the headings ({asked}) of a day and of an amount; name them by parameters.",
                f"找不到含日期和金额的标题行（{asked}），请用参数指定各列标题。",
            )
        ]
    )


def _title(cell: Cell) -> str:
    """A heading without what stands in brackets behind it, such as its unit."""
    return re.sub(r"[(\[【].*$", "", plain(cells.text(cell)))


def _find(titles: Sequence[str], names: Sequence[str]) -> int | None:
    return next((titles.index(title) for name in names if (title := _title(name)) in titles), None)


def _check_unit(top: int, row: Sequence[Cell], found: Mapping[str, int]) -> None:
    for part in ("out", "in", "amount"):
        if part in found and "万" in cells.text(row[found[part]]):
            where = _where(top + 1, found[part])
            raise StatementWrong([(where, "Amounts must be in yuan, not 万元.", "金额单位须为元，不能是万元。")])


def _without_repetition(found: dict[str, int]) -> dict[str, int]:
    """Each column for one part; an amount of either way needs no other."""
    if {"out", "in"} & found.keys():
        found.pop("amount", None)
        found.pop("direction", None)
    seen: set[int] = set()
    return {part: at for part, at in found.items() if at not in seen and not seen.add(at)}  # type: ignore[func-returns-value]


def _where(row: int, column: int) -> str:
    """Such as `row 7, column D`, where both spreadsheets and people find it."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"row {row}, column {letters}"


# Rows ---------------------------------------------------------------------------


def _read_row(
    reading: _Reading, number: int, row: Sequence[Cell], found: Mapping[str, int], account_of: AccountOf
) -> None:
    told = [cells.text(cell) for cell in row]
    if not any(told):
        return
    if _is_no_line(told, row, found):
        reading.skipped.append((f"row {number}", " ".join(filter(None, told))[:200]))
        return
    reader = _Row(number, row, found)
    line = reader.line(len(reading.lines) + 1, account_of)
    reading.errors += reader.errors
    if line:
        reading.lines.append(line)
        reading.rows.append(f"row {number}")
        reading.balances.append(reader.balance())


def _is_no_line(told: Sequence[str], row: Sequence[Cell], found: Mapping[str, int]) -> bool:
    first = plain(next(filter(None, told)))
    if not first.startswith(NO_LINES):
        return False
    try:
        cells.day(row[found["date"]] if found["date"] < len(row) else None)
    except Wrong:
        return True
    return False


class _Row:
    """One row, read part by part; what is wrong is noted with its place."""

    def __init__(self, number: int, row: Sequence[Cell], found: Mapping[str, int]) -> None:
        self._number, self._row, self._found = number, row, found
        self.errors: list[Error] = []

    def line(self, number: int, account_of: AccountOf) -> Line | None:
        on = self._try("date", cells.day)
        cash = self._cash()
        reference, voucher = self._try("reference", cells.number), self._try("voucher", cells.number)
        if self.errors or on is None or cash is None:
            return None
        return Line(
            number,
            on,
            *cash,
            payee=cells.name(self._cell("payee")),
            account=cells.account(self._cell("account"), account_of),
            reference=reference,
            voucher=voucher,
            summary=cells.name(self._cell("summary")),
        )

    def balance(self) -> int | None:
        return self._try("balance", cells.amount) if "balance" in self._found else None

    def _cell(self, part: str) -> Cell:
        at = self._found.get(part)
        return self._row[at] if at is not None and at < len(self._row) else None

    def _try(self, part: str, reader: Any) -> Any:
        try:
            return reader(self._cell(part))
        except Wrong as wrong:
            self._wrong(part, wrong.english, wrong.chinese)
            return None

    def _wrong(self, part: str, english: str, chinese: str) -> None:
        self.errors.append((_where(self._number, self._found.get(part, 0)), english, chinese))

    def _cash(self) -> tuple[Direction, Money] | None:
        """Which way, and how much: a negative amount is the other way."""
        told = list(self._told())
        moved = [(direction, amount) for direction, amount in told if amount]
        if self.errors:
            return None
        if len(moved) != 1:
            part = next(part for part in ("out", "in", "amount") if part in self._found)
            self._wrong(part, "A line moves one amount, out or in.", "每行须有且只有一个金额：支出或收入。")
            return None
        [(direction, amount)] = moved
        if amount < 0:
            direction = Direction.IN if direction is Direction.OUT else Direction.OUT
        return direction, Money(abs(amount))

    def _told(self) -> Iterator[tuple[Direction, int]]:
        for direction in Direction:
            if direction in self._found:
                yield direction, self._try(direction, cells.amount) or 0
        if "amount" in self._found:
            yield self._direction(), self._try("amount", cells.amount) or 0

    def _direction(self) -> Direction:
        """As its column says; where there is none, a statement tells what was paid."""
        if "direction" not in self._found:
            return Direction.OUT
        word = plain(cells.text(self._cell("direction")))
        if word not in DIRECTIONS:
            self._wrong("direction", f"{word[:20]!r} is neither out nor in.", f"“{word[:20]}”不是借、贷方向。")
        return DIRECTIONS.get(word, Direction.OUT)


def _adds_up(lines: Sequence[Line], balances: Sequence[int | None]) -> bool | None:
    """Whether each balance follows from the one before, read downwards or upwards; None if they are not told."""
    if len(balances) < 2 or None in balances:
        return None
    steps = [line.amount if line.direction is Direction.IN else -line.amount for line in lines]
    told = [balance or 0 for balance in balances]
    downwards = all(told[n] == told[n - 1] + steps[n] for n in range(1, len(told)))
    upwards = all(told[n] == told[n - 1] - steps[n - 1] for n in range(1, len(told)))
    return downwards or upwards
