"""Reads a sheet as a statement: finds the row of the headings, and reads each row below it as a line."""

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
"""Maps each part of a statement line, such as `date`, to the usual headings of its column, the most likely first."""
DIRECTIONS = {
    **dict.fromkeys(("借", "借方", "支", "支出", "付", "付款", "d", "dr", "dbit", "debit", "out"), Direction.OUT),
    **dict.fromkeys(("贷", "贷方", "收", "收入", "收款", "c", "cr", "crdt", "credit", "in"), Direction.IN),
}
TOTAL_ROW = re.compile("(?:本|上|全|前)?(?:页|日|期|月|季度?|年度?)?(?:合计|总计|小计|累计|累计数|发生额合计)|total")
CARRIED_BALANCE_ROW = re.compile("(?:本|上|期初|期末)?(?:页|日|期|月|年度?)?(?:余额|结转|结余)|承前页?|过次页?")
"""TOTAL_ROW matches the text of a cell that marks its row as a total. CARRIED_BALANCE_ROW matches the text of a cell
that marks its row as a carried balance, if the row has no amount."""
NAME_PARTS = ("payee", "account", "reference", "voucher")
"""The parts of a line whose values may look like the mark of a total or a carried balance, for example a payee's name.
Their cells are not matched with TOTAL_ROW and CARRIED_BALANCE_ROW."""
UNIT_SUFFIX = re.compile(
    r"[(\[【](?:元|人民币|人民币元|rmb|cny|¥|yuan|单位[::].{1,4}|元[,、/]?人民币|[千万亿]元)[)\]】]"
)
OTHER_UNITS = re.compile("[千万亿]元|usd|美元|欧元|eur|港元|港币|hkd")
UNIT_LABEL = re.compile("(?:单位|币种|币别)[::]")
CURRENCIES = frozenset({"cny", "rmb", "人民币", "人民币元", "元", "156", "01", "001", "cny人民币"})
"""The values of a currency column that mean yuan."""
MAX_HEADING_ROW = 50
"""The headings must be within this number of rows from the top of the sheet."""


@dataclass(slots=True)
class _Reading:
    """What has been read from a sheet so far."""

    lines: list[Line] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    balances: list[int | None] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    errors: list[Error] = field(default_factory=list)


def read(sheets: Sequence[Sheet], columns: Mapping[str, str], account_of: AccountOf, sha256: str) -> Statement:
    """The statement on the only sheet that has the headings of a statement. Raises StatementWrong.

    `columns` maps a part of a line, such as `date`, to its heading on the sheet. It is needed only for parts whose
    heading is not a usual one (HEADINGS).
    """
    sheet, top, positions = _find_statement(sheets, columns)
    reading = _Reading()
    for number, row in enumerate(sheet.rows[top + 1 :], top + 2):
        _read_row(reading, _Row(number, row, positions, len(sheet.rows[top])), account_of)
        if len(reading.errors) >= MAX_ERRORS:
            break
    reading.errors += _unread_directions(sheet.rows[top:], top + 1, positions) if reading.lines else ()
    if reading.errors:
        raise StatementWrong(reading.errors[:MAX_ERRORS])
    if len(reading.lines) > MAX_LINES:
        raise too_long()
    return Statement(
        sha256,
        sheet.form,
        tuple(reading.lines),
        encoding=sheet.encoding,
        columns={part: cells.masked(cells.text(sheet.rows[top][at])) for part, at in positions.items()},
        rows=tuple(reading.rows),
        skipped=tuple(reading.skipped),
        adds_up=_adds_up(reading.lines, reading.balances),
    )


# Headings -----------------------------------------------------------------------


def _find_statement(sheets: Sequence[Sheet], columns: Mapping[str, str]) -> tuple[Sheet, int, dict[str, int]]:
    """The sheet with the headings, the index of the headings' row, and the column index of each part of a line.

    Raises StatementWrong if not exactly one sheet has the headings, or if the headings cannot be used.
    """
    found = [(sheet, *headed) for sheet in sheets if (headed := _headings(sheet.rows, columns))]
    if len(found) == 1:
        return found[0]
    if found:
        raise StatementWrong(
            [("", "The file contains several statements: keep only one sheet.", "含多张对账单，请只保留一张工作表。")]
        )
    wanted = "; ".join(f"{part}={heading}" for part, heading in columns.items()) or "日期, 金额"
    raise StatementWrong(
        [
            (
                "",
                f"No row has the headings ({wanted}) of a date and an amount; specify the headings with parameters.",
                f"找不到含日期和金额的标题行（{wanted}），请用参数指定各列标题。",
            )
        ]
    )


def _headings(rows: Sequence[Sequence[Cell]], columns: Mapping[str, str]) -> tuple[int, dict[str, int]] | None:
    """The index of the headings' row and the column index of each part; None if the sheet has no such row.

    Raises StatementWrong if the headings are ambiguous, or if their unit is not the yuan.
    """
    wanted = {part: (columns[part],) if part in columns else usual for part, usual in HEADINGS.items()}
    for top, row in enumerate(rows[:MAX_HEADING_ROW]):
        titles = [_title(cell) for cell in row]
        positions = {part: at for part, names in wanted.items() if (at := _find(titles, names)) is not None}
        positions = _amount_parts(positions, columns)
        if "date" in positions and positions.keys() & {"out", "in", "amount"} and columns.keys() <= positions.keys():
            _check_unit(rows[: top + 1], positions)
            _check_unambiguous(top, titles, positions)
            return top, positions
    return None


def _title(cell: Cell) -> str:
    """The text of a heading, after a unit in brackets is removed.

    Other brackets are kept, because they may distinguish two headings.
    """
    return UNIT_SUFFIX.sub("", normalized(_raw_text(cell)))


def _raw_text(cell: Cell) -> str:
    return str(cell)[: cells.MAX_CELL_LENGTH] if cell is not None else ""


def _find(titles: Sequence[str], names: Sequence[str]) -> int | None:
    return next((titles.index(title) for name in names if (title := _title(name)) in titles), None)


def _amount_parts(positions: Mapping[str, int], columns: Mapping[str, str]) -> dict[str, int]:
    """The column index of each part of a line. If the sheet gives amounts in two ways, only one way is kept.

    The two ways are `out` and `in` (a column for each direction), and `amount` and `direction` (one column for both
    directions). If a sheet has both, `out` and `in` are kept. But if the client specified (in `columns`) `amount` or
    `direction`, and neither `out` nor `in`, then `amount` and `direction` are kept. The parts of the other way are
    removed, except the parts that the client specified.
    """
    each_way, both = {"out", "in"}, {"amount", "direction"}
    named_both = columns.keys() & both and not columns.keys() & each_way
    kept, dropped = ({"amount"}, each_way) if named_both else (each_way, both)
    if not positions.keys() & kept:
        return dict(positions)
    return {part: at for part, at in positions.items() if part not in dropped or part in columns}


def _check_unit(rows: Sequence[Sequence[Cell]], positions: Mapping[str, int]) -> None:
    """Raises StatementWrong if the heading of an amount column, or a unit label above the headings, is not in yuan.

    `rows` ends with the row of the headings.
    """
    amounts = {positions[part] for part in ("out", "in", "amount", "balance") if part in positions}
    for number, row in enumerate(rows, 1):
        for at, cell in enumerate(row):
            written = normalized(_raw_text(cell))
            has_unit = at in amounts if number == len(rows) else UNIT_LABEL.search(written)
            if has_unit and OTHER_UNITS.search(written):
                where = _where(number, at)
                raise StatementWrong([(where, "Amounts must be in yuan.", "金额须以元为单位、人民币计价。")])


def _check_unambiguous(top: int, titles: Sequence[str], positions: Mapping[str, int]) -> None:
    """Raises StatementWrong if two columns have the same heading, or if one column gives two parts of a line."""
    for at in positions.values():
        if titles.count(titles[at]) > 1 or list(positions.values()).count(at) > 1:
            where = _where(top + 1, at)
            raise StatementWrong(
                [
                    (
                        where,
                        "This heading names two columns, or is used for two parts of a line.",
                        "该标题重复，无法区分各列。",
                    )
                ]
            )


def _unread_directions(rows: Sequence[Sequence[Cell]], top: int, positions: Mapping[str, int]) -> Iterator[Error]:
    """An error for each column that contains only directions, if the sheet has an amount but no direction column.

    The client must specify the heading of such a column. Otherwise every amount would be read as paid out. `rows`
    begins with the row of the headings; `top` is the number of that row in the file, counted from 1.
    """
    if "amount" not in positions or "direction" in positions:
        return
    for at in range(max(map(len, rows))):
        values = {normalized(_raw_text(row[at])) for row in rows[1:] if at < len(row)} - {""}
        if values and at not in positions.values() and values <= DIRECTIONS.keys():
            english, chinese = (
                "This column seems to be the direction: specify its heading as column_direction.",
                "疑为收支方向列，请用 column_direction 指定。",
            )
            yield _where(top, at), english, chinese


def _where(row: int, column: int) -> str:
    """The place of a cell as a spreadsheet shows it, such as `row 7, column D`."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"row {row}, column {letters}"


# Rows ---------------------------------------------------------------------------


def _read_row(reading: _Reading, row: _Row, account_of: AccountOf) -> None:
    written = [_raw_text(cell).strip() for cell in row.cells]
    if not any(written):
        return
    if row.is_not_a_line():
        reading.skipped.append((row.where, " ".join(filter(None, map(cells.masked, written)))[:200]))
        return
    line = row.line(len(reading.lines) + 1, account_of)
    balance = row.balance()
    reading.errors += row.errors
    if line:
        reading.lines.append(line)
        reading.rows.append(row.where)
        reading.balances.append(balance)


class _Row:
    """One row, read part by part. Each error that is found is added to `errors`, with the place of the cell."""

    def __init__(self, number: int, row: Sequence[Cell], positions: Mapping[str, int], width: int) -> None:
        self._number, self.cells, self._positions, self._width = number, row, positions, width
        self.errors: list[Error] = []

    @property
    def where(self) -> str:
        return f"row {self._number}"

    def is_not_a_line(self) -> bool:
        """Whether the row is a total or a carried balance."""
        names = {self._positions.get(part) for part in NAME_PARTS}
        written = [normalized(_raw_text(cell)) for at, cell in enumerate(self.cells) if at not in names]
        if any(map(TOTAL_ROW.fullmatch, written)):
            return True
        has_amount = any(_raw_text(self._cell(part)).strip() for part in ("out", "in", "amount"))
        return not has_amount and any(map(CARRIED_BALANCE_ROW.fullmatch, written))

    def line(self, number: int, account_of: AccountOf) -> Line | None:
        """The row as line `number` of the statement; None if the row has an error."""
        self._check_width()
        on = self._try("date", cells.day)
        cash = self._cash()
        details = {
            "payee": self._try("payee", cells.name),
            "account": self._try("account", lambda cell: cells.account(cell, account_of)),
            "reference": self._try("reference", cells.number),
            "voucher": self._try("voucher", cells.number),
            "summary": self._try("summary", cells.name),
        }
        if self._try("currency", _currency) or self.errors or on is None or cash is None:
            return None
        return Line(on, *cash, **details, number=number)

    def _check_width(self) -> None:
        """Add an error if the row has a filled cell beyond the last heading.

        The cause may be an amount such as 1,000 without quotes, which was split at its comma.
        """
        beyond = next((at for at, cell in enumerate(self.cells) if at >= self._width and _raw_text(cell).strip()), None)
        if beyond is not None:
            where = _where(self._number, beyond)
            self.errors.append((where, "The row has more cells than there are headings.", "该行的列数多于标题。"))

    def balance(self) -> int | None:
        return self._try("balance", cells.amount) if "balance" in self._positions else None

    def _cell(self, part: str) -> Cell:
        at = self._positions.get(part)
        return self.cells[at] if at is not None and at < len(self.cells) else None

    def _try(self, part: str, reader: Any) -> Any:
        try:
            return reader(self._cell(part))
        except Wrong as wrong:
            self._add_error(part, wrong.english, wrong.chinese)
            return None

    def _add_error(self, part: str, english: str, chinese: str) -> None:
        self.errors.append((_where(self._number, self._positions.get(part, 0)), english, chinese))

    def _cash(self) -> tuple[Direction, Money] | None:
        """The row's direction and positive amount; None if the row has an error.

        A negative amount is read as a positive amount in the other direction.
        """
        amounts = list(self._amounts())
        moved = [(direction, amount) for direction, amount in amounts if amount]
        if self.errors:
            return None
        if len(moved) != 1:
            part = next(part for part in ("out", "in", "amount") if part in self._positions)
            self._add_error(
                part,
                "A line must have exactly one amount, paid out or received.",
                "每行须有且只有一个金额：支出或收入。",
            )
            return None
        [(direction, amount)] = moved
        if amount < 0:
            direction = Direction.IN if direction is Direction.OUT else Direction.OUT
        return direction, Money(abs(amount))

    def _amounts(self) -> Iterator[tuple[Direction, int]]:
        for direction in Direction:
            if direction in self._positions:
                yield direction, self._try(direction, cells.amount) or 0
        if "amount" in self._positions:
            yield self._direction(), self._try("amount", cells.amount) or 0

    def _direction(self) -> Direction:
        """The direction in the row's direction column. Without such a column, every row is money paid out.

        Adds an error if the cell is not a direction.
        """
        if "direction" not in self._positions:
            return Direction.OUT
        written = normalized(_raw_text(self._cell("direction")))
        if written not in DIRECTIONS:
            self._add_error("direction", "The value is not a direction (debit or credit).", "不是借、贷方向。")
        return DIRECTIONS.get(written, Direction.OUT)


def _currency(cell: Cell) -> None:
    """Raises Wrong if the currency is not the yuan."""
    if normalized(_raw_text(cell)) not in CURRENCIES | {""}:
        raise Wrong("The amount must be in yuan.", "币种须为人民币。")


def _adds_up(lines: Sequence[Line], balances: Sequence[int | None]) -> bool | None:
    """Whether each balance follows from the previous one, if the lines are read either downwards or upwards.

    None if a balance is missing, or if there are fewer than two.
    """
    if len(balances) < 2 or None in balances:
        return None
    steps = [line.amount if line.direction is Direction.IN else -line.amount for line in lines]
    values = [balance or 0 for balance in balances]
    downwards = all(values[n] == values[n - 1] + steps[n] for n in range(1, len(values)))
    upwards = all(values[n] == values[n - 1] - steps[n - 1] for n in range(1, len(values)))
    return downwards or upwards
