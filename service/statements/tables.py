"""A sheet read as a statement: its headings found, each row below them a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.fund.reconciliation import Direction
from domain.money import Money
from domain.normalise import normalized
from domain.tie_out import Line
from service.statements import cells
from service.statements.cells import AccountOf, Cell, Wrong
from service.statements.sheets import Sheet
from service.statements.statement import MAX_ERRORS, MAX_LINES, Error, Statement, StatementWrong, too_long

HEADINGS: dict[str, tuple[str, ...]] = {
    "date": ("交易日期", "记账日期", "入账日期", "清算日期", "支付日期", "交易时间", "日期", "date"),
    "out": ("借方发生额", "借方金额", "支出金额", "付款金额", "借方", "支出", "debit"),
    "in": ("贷方发生额", "贷方金额", "收入金额", "收款金额", "贷方", "收入", "credit"),
    "amount": ("交易金额", "支付金额", "发生额", "金额", "amount"),
    "direction": (
        "借贷标志", "借贷方向", "收支方向", "收付标志", "收付方向", "交易方向", "资金流向", "借贷", "借/贷", "收支",
        "收/支", "收付", "direction",
    ),
    "payee": (
        "对方户名", "对方单位名称", "对方单位", "对方名称", "收款人名称", "收款人全称", "收款人户名", "收款人",
        "收款单位", "payee",
    ),
    "account": ("对方账号", "对方帐号", "收款人账号", "收款人帐号", "收款账号"),
    "reference": ("流水号", "交易流水号", "银行流水号", "核心流水号", "交易流水", "reference"),
    "voucher": ("支付凭证号", "凭证号", "凭证号码", "凭证编号", "voucher"),
    "summary": ("摘要", "用途", "附言", "备注", "summary"),
    "balance": ("账户余额", "余额", "balance"),
    "currency": ("币种", "币别", "货币", "currency"),
}  # fmt: skip
"""What each part of a line is usually called, the likeliest first."""
DIRECTIONS = {
    **dict.fromkeys(("借", "借方", "支", "支出", "付", "付款", "d", "dr", "dbit", "debit", "out"), Direction.OUT),
    **dict.fromkeys(("贷", "贷方", "收", "收入", "收款", "c", "cr", "crdt", "credit", "in"), Direction.IN),
}
SUMS_UP = re.compile("(?:本|上|全|前)?(?:页|日|期|月|季度?|年度?)?(?:合计|总计|小计|累计|累计数|发生额合计)|total")
CARRIES_OVER = re.compile("(?:本|上|期初|期末)?(?:页|日|期|月|年度?)?(?:余额|结转|结余)|承前页?|过次页?")
"""What a cell says in a row that is no line; the second only where the row moves no amount."""
NAMING = ("payee", "account", "reference", "voucher")
"""Where such words may be a name."""
UNIT = re.compile(r"[(\[【](?:元|人民币|人民币元|rmb|cny|¥|yuan|单位[::].{1,4}|元[,、/]?人民币|[千万亿]元)[)\]】]")
OTHER_UNITS = re.compile("[千万亿]元|usd|美元|欧元|eur|港元|港币|hkd")
UNIT_TOLD = re.compile("(?:单位|币种|币别)[::]")
CURRENCIES = frozenset({"cny", "rmb", "人民币", "人民币元", "元", "156", "01", "001", "cny人民币"})
"""How a statement says that it is in yuan."""
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


def read(sheets: Sequence[Sheet], columns: Mapping[str, str], account_of: AccountOf, sha256: str) -> Statement:
    """The statement on the one sheet that has its headings. `columns`: those that are not called as usual.

    Raises StatementWrong.
    """
    sheet, top, found = _the_one(sheets, columns)
    reading = _Reading()
    for number, row in enumerate(sheet.rows[top + 1 :], top + 2):
        _read_row(reading, _Row(number, row, found, len(sheet.rows[top])), account_of)
        if len(reading.errors) >= MAX_ERRORS:
            break
    reading.errors += _unread_directions(sheet.rows[top:], top + 1, found) if reading.lines else ()
    if reading.errors:
        raise StatementWrong(reading.errors[:MAX_ERRORS])
    if len(reading.lines) > MAX_LINES:
        raise too_long()
    return Statement(
        sha256,
        sheet.form,
        tuple(reading.lines),
        encoding=sheet.encoding,
        columns={part: cells.masked(cells.text(sheet.rows[top][at])) for part, at in found.items()},
        rows=tuple(reading.rows),
        skipped=tuple(reading.skipped),
        adds_up=_adds_up(reading.lines, reading.balances),
    )


# Headings -----------------------------------------------------------------------


def _the_one(sheets: Sequence[Sheet], columns: Mapping[str, str]) -> tuple[Sheet, int, dict[str, int]]:
    """The sheet with the headings, their row, and the column of each part. Raises StatementWrong."""
    found = [(sheet, *headed) for sheet in sheets if (headed := _headings(sheet.rows, columns))]
    if len(found) == 1:
        return found[0]
    if found:
        raise StatementWrong([("", "It has several statements: keep one sheet.", "含多张对账单，请只保留一张工作表。")])
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


def _headings(rows: Sequence[Sequence[Cell]], columns: Mapping[str, str]) -> tuple[int, dict[str, int]] | None:
    wanted = {part: (columns[part],) if part in columns else usual for part, usual in HEADINGS.items()}
    for top, row in enumerate(rows[:HEADINGS_WITHIN]):
        titles = [_title(cell) for cell in row]
        found = {part: at for part, names in wanted.items() if (at := _find(titles, names)) is not None}
        found = _one_way(found, columns)
        if "date" in found and found.keys() & {"out", "in", "amount"} and columns.keys() <= found.keys():
            _check_unit(rows[: top + 1], found)
            _check_once(top, titles, found)
            return top, found
    return None


def _title(cell: Cell) -> str:
    """A heading without the brackets behind it that say it is in yuan; other brackets tell one from another."""
    return UNIT.sub("", normalized(_told(cell)))


def _told(cell: Cell) -> str:
    return str(cell)[: cells.MAX_CELL_LENGTH] if cell is not None else ""


def _find(titles: Sequence[str], names: Sequence[str]) -> int | None:
    return next((titles.index(title) for name in names if (title := _title(name)) in titles), None)


def _one_way(found: Mapping[str, int], columns: Mapping[str, str]) -> dict[str, int]:
    """An amount for each way, or one for both: those that were named, else the two."""
    each_way, both = {"out", "in"}, {"amount", "direction"}
    named_both = columns.keys() & both and not columns.keys() & each_way
    kept, dropped = ({"amount"}, each_way) if named_both else (each_way, both)
    if not found.keys() & kept:
        return dict(found)
    return {part: at for part, at in found.items() if part not in dropped or part in columns}


def _check_unit(rows: Sequence[Sequence[Cell]], found: Mapping[str, int]) -> None:
    """Neither the headings of amounts nor what is said of units above them may name another than yuan."""
    amounts = {found[part] for part in ("out", "in", "amount", "balance") if part in found}
    for number, row in enumerate(rows, 1):
        for at, cell in enumerate(row):
            told = normalized(_told(cell))
            asked = at in amounts if number == len(rows) else UNIT_TOLD.search(told)
            if asked and OTHER_UNITS.search(told):
                where = _where(number, at)
                raise StatementWrong([(where, "Amounts must be in yuan.", "金额须以元为单位、人民币计价。")])


def _check_once(top: int, titles: Sequence[str], found: Mapping[str, int]) -> None:
    """No two columns may be called the same, and none may be two parts."""
    for at in found.values():
        if titles.count(titles[at]) > 1 or list(found.values()).count(at) > 1:
            where = _where(top + 1, at)
            raise StatementWrong(
                [(where, "This heading stands for two columns or parts.", "该标题重复，无法区分各列。")]
            )


def _unread_directions(rows: Sequence[Sequence[Cell]], top: int, found: Mapping[str, int]) -> Iterator[Error]:
    """A column that says which way money went, and was not taken for that: amounts would all be taken for paid.

    `rows` begin with the headings, which are row `top`.
    """
    if "amount" not in found or "direction" in found:
        return
    for at in range(max(map(len, rows))):
        told = {normalized(_told(row[at])) for row in rows[1:] if at < len(row)} - {""}
        if told and at not in found.values() and told <= DIRECTIONS.keys():
            says, says_zh = (
                "It seems to be the direction: name it by column_direction.",
                "疑为收支方向列，请用 column_direction 指定。",
            )
            yield _where(top, at), says, says_zh


def _where(row: int, column: int) -> str:
    """Such as `row 7, column D`, where both spreadsheets and people find it."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"row {row}, column {letters}"


# Rows ---------------------------------------------------------------------------


def _read_row(reading: _Reading, row: _Row, account_of: AccountOf) -> None:
    told = [_told(cell).strip() for cell in row.cells]
    if not any(told):
        return
    if row.is_no_line():
        reading.skipped.append((row.where, " ".join(filter(None, map(cells.masked, told)))[:200]))
        return
    line = row.line(len(reading.lines) + 1, account_of)
    balance = row.balance()
    reading.errors += row.errors
    if line:
        reading.lines.append(line)
        reading.rows.append(row.where)
        reading.balances.append(balance)


class _Row:
    """One row, read part by part; what is wrong is noted with its place."""

    def __init__(self, number: int, row: Sequence[Cell], found: Mapping[str, int], width: int) -> None:
        self._number, self.cells, self._found, self._width = number, row, found, width
        self.errors: list[Error] = []

    @property
    def where(self) -> str:
        return f"row {self._number}"

    def is_no_line(self) -> bool:
        """Whether it sums up, or carries over."""
        names = {self._found.get(part) for part in NAMING}
        told = [normalized(_told(cell)) for at, cell in enumerate(self.cells) if at not in names]
        if any(map(SUMS_UP.fullmatch, told)):
            return True
        moves = any(_told(self._cell(part)).strip() for part in ("out", "in", "amount"))
        return not moves and any(map(CARRIES_OVER.fullmatch, told))

    def line(self, number: int, account_of: AccountOf) -> Line | None:
        self._check_width()
        on = self._try("date", cells.day)
        cash = self._cash()
        told = {
            "payee": self._try("payee", cells.name),
            "account": self._try("account", lambda cell: cells.account(cell, account_of)),
            "reference": self._try("reference", cells.number),
            "voucher": self._try("voucher", cells.number),
            "summary": self._try("summary", cells.name),
        }
        if self._try("currency", _currency) or self.errors or on is None or cash is None:
            return None
        return Line(on, *cash, **told, number=number)

    def _check_width(self) -> None:
        """Cells beyond the headings come of separators within an amount that was not quoted."""
        beyond = next((at for at, cell in enumerate(self.cells) if at >= self._width and _told(cell).strip()), None)
        if beyond is not None:
            where = _where(self._number, beyond)
            self.errors.append((where, "The row has more cells than there are headings.", "该行的列数多于标题。"))

    def balance(self) -> int | None:
        return self._try("balance", cells.amount) if "balance" in self._found else None

    def _cell(self, part: str) -> Cell:
        at = self._found.get(part)
        return self.cells[at] if at is not None and at < len(self.cells) else None

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
        word = normalized(_told(self._cell("direction")))
        if word not in DIRECTIONS:
            self._wrong("direction", "It is neither out nor in.", "不是借、贷方向。")
        return DIRECTIONS.get(word, Direction.OUT)


def _currency(cell: Cell) -> None:
    """Raises Wrong for another than yuan."""
    if normalized(_told(cell)) not in CURRENCIES | {""}:
        raise Wrong("It must be in yuan.", "币种须为人民币。")


def _adds_up(lines: Sequence[Line], balances: Sequence[int | None]) -> bool | None:
    """Whether each balance follows from the one before, read downwards or upwards; None if they are not told."""
    if len(balances) < 2 or None in balances:
        return None
    steps = [line.amount if line.direction is Direction.IN else -line.amount for line in lines]
    told = [balance or 0 for balance in balances]
    downwards = all(told[n] == told[n - 1] + steps[n] for n in range(1, len(told)))
    upwards = all(told[n] == told[n - 1] - steps[n - 1] for n in range(1, len(told)))
    return downwards or upwards
