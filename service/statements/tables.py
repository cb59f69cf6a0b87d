"""Reads a sheet as a statement: finds its headings, and reads each row below them as a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise

from msgspec.structs import replace

from domain.fund.reconciliation import Direction
from domain.money import Money
from domain.normalise import normalized
from domain.tie_out import Line
from service.statements import cells, directions, headings, labels
from service.statements.balances import Step, Totals, check
from service.statements.cells import AccountOf
from service.statements.headings import AMOUNTS, Headings, raw, where
from service.statements.rows import CLOSING_ROW, MOVED, OPENING_ROW, RUNNING_TOTAL, Row, balance
from service.statements.sheets import Sheet
from service.statements.statement import MAX_ERRORS, MAX_LINES, Choices, Error, Statement, StatementWrong, too_long

UNCHECKED = ("payee", "account", "reference", "voucher")
"""The parts of a line that are compared with the books, and that a sheet may lack."""


def read(sheets: Sequence[Sheet], choices: Choices, account_of: AccountOf, sha256: str) -> Statement:
    """The statement on the only sheet that has the headings of a statement. Raises StatementWrong."""
    sheet, found = _find_statement(sheets, choices.columns)
    return _Table(sheet, found, choices, account_of).statement(sha256)


def _find_statement(sheets: Sequence[Sheet], columns: Mapping[str, str]) -> tuple[Sheet, Headings]:
    """The only sheet that has the headings of a statement. Raises StatementWrong if there is none, or another one."""
    found = [(sheet, each) for sheet in sheets if (each := headings.find(sheet.rows, columns))]
    if len(found) == 1:
        return found[0]
    if found:
        raise StatementWrong(
            [("", "The file contains several statements: keep only one sheet.", "含多张对账单，请只保留一张工作表。")]
        )
    wanted = "; ".join(f"{part}={heading}" for part, heading in columns.items()) or "日期, 金额"
    seen = _widest(sheets)
    english = (
        f"No row has the headings ({wanted}) of a date and an amount; specify the headings with parameters. "
        f"The row with the most cells is: {seen}."
    )
    chinese = f"找不到含日期和金额的标题行（{wanted}），请用参数指定各列标题。单元格最多的一行为：{seen}。"
    raise StatementWrong([("", english, chinese)])


def _widest(sheets: Sequence[Sheet]) -> str:
    """The row among the first ones that has the most filled cells, which may be that of the headings."""
    rows = [row for sheet in sheets for row in sheet.rows[: headings.MAX_HEADING_ROW]]
    row = max(rows, key=lambda each: sum(bool(raw(cell).strip()) for cell in each), default=())
    return ", ".join(filter(None, (cells.masked(raw(cell), 30) for cell in row[:30])))


class _Table:
    """The table of a statement. Its rows are sorted into lines and others; then the lines are given a direction."""

    def __init__(self, sheet: Sheet, found: Headings, choices: Choices, account_of: AccountOf) -> None:
        self._sheet, self._headings, self._choices, self._account_of = sheet, found, choices, account_of
        self._positions = dict(found.positions)
        self._words = directions.words(choices)
        self._errors: list[Error] = []
        self._contradictions: list[Error] = []
        self._skipped: list[Row] = []
        self._lines: list[Row] = []
        self._steps: list[Row] = []
        self._sums = dict.fromkeys(Direction, 0)
        self._sums_before: dict[Direction, set[int]] = {each: {0} for each in Direction}
        self._opening: int | None = None
        self._closing: int | None = None

    def statement(self, sha256: str) -> Statement:
        self._check_unit()
        above = labels.read(self._sheet.rows[: self._headings.top])
        rows = [
            Row(number, row, self._positions, self._headings.titles)
            for number, row in enumerate(self._sheet.rows[self._headings.bottom + 1 :], self._headings.bottom + 2)
        ]
        self._refuse_unread_payee()
        self._find_direction([row for row in rows if row.is_like_a_line()])
        for row in rows:
            self._sort(row)
            self._stop_at_errors(len(self._errors) >= MAX_ERRORS or len(self._lines) > MAX_LINES)
        self._stop_at_errors(bool(self._errors))
        self._drop_redundant_signs()
        below = labels.read([row.cells for row in self._skipped])
        return self._finished(sha256, above, below)

    def _stop_at_errors(self, reached: bool) -> None:
        if len(self._lines) > MAX_LINES:
            raise too_long()
        if reached:
            raise StatementWrong(self._errors[:MAX_ERRORS])

    def _finished(self, sha256: str, above: labels.Stated, below: labels.Stated) -> Statement:
        stated = _merged(above.totals, below.totals, Totals(opening=self._opening, closing=self._closing))
        sign, by = self._sign(stated)
        lines = tuple(self._line(row, number, sign) for number, row in enumerate(self._lines, 1))
        checked = check(lines, self._steps_with(sign), stated if sign == 1 else directions.swapped(stated))
        contradictions = (*checked.contradictions, *self._contradictions)
        return Statement(
            sha256,
            self._sheet.form,
            lines,
            above.first_day or below.first_day,
            above.last_day or below.last_day,
            encoding=self._sheet.encoding,
            columns={part: self._written(at) for part, at in self._positions.items()},
            rows=tuple(row.where for row in self._lines),
            skipped=tuple((row.where, row.text) for row in self._skipped),
            unread=tuple(self._written(at) for at in self._unread()),
            unchecked=tuple(part for part in UNCHECKED if part not in self._positions),
            direction_by=by,
            adds_up=False if contradictions else checked.adds_up,
            contradictions=contradictions,
        )

    # Headings ---------------------------------------------------------------------

    def _unread(self) -> list[int]:
        """The columns that were not read: those with another heading, and those with values and no heading."""
        read = set(self._positions.values())
        untitled = [at for at, title in enumerate(self._headings.titles) if not title and self._has_values(at)]
        return sorted({*self._headings.unread(), *untitled} - read)

    def _has_values(self, at: int) -> bool:
        return any(at < len(row.cells) and raw(row.cells[at]).strip() for row in self._lines)

    def _written(self, at: int) -> str:
        """The heading of a column as the sheet has it."""
        rows = self._sheet.rows[self._headings.top : self._headings.bottom + 1]
        parts = (raw(row[at]) for row in rows if at < len(row))
        return cells.masked(" ".join(filter(None, parts)), 100) or where(self._headings.bottom + 1, at)

    def _check_unit(self) -> None:
        """Raises StatementWrong if the heading of an amount is in another unit than the yuan."""
        for at in (self._positions[part] for part in AMOUNTS if part in self._positions):
            for number in range(self._headings.top, self._headings.bottom + 1):
                row = self._sheet.rows[number]
                if at < len(row) and labels.OTHER_UNIT.search(normalized(raw(row[at]))):
                    place = where(number + 1, at)
                    raise StatementWrong([(place, "Amounts must be in yuan.", "金额须以元为单位、人民币计价。")])

    def _refuse_unread_payee(self) -> None:
        """Raises StatementWrong if the payees were not checked though a column seems to have them."""
        ignored = {headings.title(each) for each in self._choices.ignored}
        if "payee" in self._positions:
            return
        for at in self._headings.unread():
            heading = self._headings.titles[at]
            if headings.like_a_payee(heading) and heading not in ignored:
                english = "This heading may be the payee's: name it as column_payee, or as ignored if it is not."
                chinese = "该列可能是对方户名：请用 column_payee 指定，不是的用 ignored 说明。"
                raise StatementWrong([(where(self._headings.bottom + 1, at), english, chinese)])

    # Directions -------------------------------------------------------------------

    def _find_direction(self, rows: Sequence[Row]) -> None:
        """If the sheet has one column of amounts, find the column that has the directions of its lines, by its words.

        Raises StatementWrong if two such columns contradict each other.
        """
        if "amount" not in self._positions or "direction" in self._positions:
            return
        found = [at for at in self._headings.unread() if rows and all(self._direction(row, at) for row in rows)]
        for one, other in pairwise(found):
            if any(self._direction(row, one) is not self._direction(row, other) for row in rows):
                english = "Two columns seem to be the direction and differ: specify one as column_direction."
                chinese = "有两列疑为收支方向而不一致，请用 column_direction 指定。"
                raise StatementWrong([(where(self._headings.bottom + 1, other), english, chinese)])
        if found:
            self._positions["direction"] = found[0]

    def _direction(self, row: Row, at: int) -> Direction | None:
        return self._words.get(normalized(raw(row.cells[at]))) if at < len(row.cells) else None

    def _drop_redundant_signs(self) -> None:
        """If each amount that its direction pays out is negative, and no other is, its sign says it once more.

        Otherwise a negative amount goes against its direction.
        """
        if "direction" in self._positions and all((row.written < 0) == (row.way < 0) for row in self._lines):
            for row in self._lines:
                row.fen = row.way * abs(row.written)

    def _sign(self, stated: Totals) -> tuple[int, str | None]:
        """1 if the amounts as written are what the account gains, -1 if it is the reverse; and what says so.

        Raises StatementWrong if nothing does.
        """
        if not self._lines:
            return 1, None
        has_direction = "direction" in self._positions
        by = "column" if has_direction else "headings"
        is_signed = "amount" in self._positions and not has_direction
        if is_signed and self._choices.negative:
            return (1 if self._choices.negative == "paid" else -1), "parameter"
        proven = directions.proven_sign(
            self._steps_with, lambda sign: stated if sign == 1 else directions.swapped(stated)
        )
        if is_signed:
            if proven is None:
                self._ask_for_sign()
            return proven or 1, "balances"
        if directions.may_be_reversed(self._side_words()):
            if proven is not None:
                return proven, by if proven == 1 else "balances"
            titles = [normalized(raw(cell)) for row in self._sheet.rows[: self._headings.top] for cell in row]
            return (-1 if directions.is_journal(self._headings, titles) else 1), by
        return 1, by

    def _side_words(self) -> list[str]:
        """What the sheet calls the two sides: the words of its direction column, or the headings of its two columns."""
        if "direction" in self._positions:
            at = self._positions["direction"]
            return sorted({normalized(raw(row.cells[at])) for row in self._lines})
        return [self._headings.titles[self._positions[part]] for part in Direction if part in self._positions]

    def _ask_for_sign(self) -> None:
        """Raises StatementWrong: nothing says which amounts are paid out."""
        at = self._positions["amount"]
        both = "; ".join(
            f"{self._written(column)}: {', '.join(sorted(values))}"
            for column in self._headings.unread()
            if len(values := self._values(column)) == 2
        )
        seen = f" ({both})" if both else ""
        english = (
            f"Nothing says which amounts are paid out{seen}: pass negative=paid or negative=received, "
            "or column_direction with paid_word and received_word."
        )
        chinese = (
            f"无法判断哪些金额是支出{seen}：请用 negative=paid（负数为支出）或 negative=received（负数为收入）说明，"
            "或用 column_direction 及 paid_word、received_word 指定收支方向列和用词。"
        )
        raise StatementWrong([(where(self._headings.bottom + 1, at), english, chinese)])

    def _values(self, column: int) -> set[str]:
        values = {cells.masked(raw(row.cells[column]), 20) for row in self._lines if column < len(row.cells)}
        return values if all(values) else set()

    def _steps_with(self, sign: int) -> list[Step]:
        """The steps between balances, if the amounts have this sign. A carried balance has the next line's day."""
        steps, day = [], date.max
        for row in reversed(self._steps):
            day = row.on or day
            steps.append(Step(row.where, day, sign * row.fen, row.balance))
        return steps[::-1]

    # Rows -------------------------------------------------------------------------

    def _sort(self, row: Row) -> None:
        """Add the row to the lines, to the carried balances, or to the rows that are skipped."""
        if row.is_empty():
            return
        if row.is_total():
            self._check_total(row)
            self._skip(row)
        elif row.is_carried():
            self._skip(row)
            self._carry(row)
        elif row.is_no_line():
            self._skip(row)
        else:
            self._add_line(row)

    def _skip(self, row: Row) -> None:
        """Add the row to those that are skipped. A total below it may be of the lines between both."""
        self._skipped.append(row)
        for part, added in self._sums.items():
            self._sums_before[part].add(added)

    def _carry(self, row: Row) -> None:
        carried = row.part("balance", balance)
        self._errors += row.errors
        if carried is None:
            return
        marks = row.marks()
        if any(map(OPENING_ROW.search, marks)) and self._opening is None:
            self._opening = carried
        elif any(map(CLOSING_ROW.search, marks)) and self._closing is None:
            self._closing = carried
        else:
            row.balance = carried
            self._steps.append(row)

    def _check_total(self, row: Row) -> None:
        """Compare a total with the lines above it: all of them, or those since a row before it that is no line."""
        if any(map(RUNNING_TOTAL.search, row.marks())):
            return
        for part in Direction:
            total, added = row.amount_or_none(part), self._sums[part]
            if total and added - total not in self._sums_before[part]:
                english = f"The total is {Money(total)}; the lines above it add up to {Money(added)}."
                chinese = f"合计为 {Money(total)} 元，以上各行相加为 {Money(added)} 元。"
                self._contradictions.append((where(row.number, self._positions[part]), english, chinese))

    def _add_line(self, row: Row) -> None:
        moved = row.read(self._account_of)
        if not row.errors and not moved and row.has_amount():
            self._skip(row)  # it moves nothing
            return
        if not row.errors and len(moved) != 1:
            part = next(part for part in MOVED if part in self._positions)
            english = "A line must have exactly one amount, paid out or received."
            row.add_error(part, english, "每行须有且只有一个金额：支出或收入。")
        if not row.errors:
            [(part, row.written)] = moved
            row.way = self._way(row, part)
            row.fen = row.way * row.written
        if row.errors:
            self._errors += row.errors
        else:
            self._lines.append(row)
            self._steps.append(row)
            self._sums[Direction.IN if row.fen > 0 else Direction.OUT] += abs(row.fen)

    def _way(self, row: Row, part: str) -> int:
        """1 if an amount in this column is received as it is written, -1 if paid out. Adds an error if unknown."""
        if part != "amount":
            return 1 if part == Direction.IN else -1
        if "direction" not in self._positions:
            return 1
        direction = self._direction(row, self._positions["direction"])
        if direction is None:
            seen = cells.masked(row.written_in("direction"), 20)
            english = f"{seen!r} is not a known direction: pass the words as paid_word and received_word."
            chinese = f"“{seen}”不是已知的收支方向，请用 paid_word、received_word 说明。"
            row.add_error("direction", english, chinese)
        return 1 if direction is Direction.IN else -1

    def _line(self, row: Row, number: int, sign: int) -> Line:
        direction = Direction.IN if sign * row.fen > 0 else Direction.OUT
        assert row.on is not None, "a row without a day is no line"
        details = row.details
        from_payer = direction is Direction.IN and self._positions.keys() & {"payer", "payer_account"}
        name, account = ("payer", "payer_account") if from_payer else ("payee", "account")
        numbers = details["reference"], details["voucher"]
        amount = Money(abs(row.fen))
        return Line(row.on, direction, amount, details[name], details[account], *numbers, number, details["summary"])


def _merged(*each: Totals) -> Totals:
    """The totals, of which an earlier one says what a later one does not."""
    merged = Totals()
    for totals in reversed(each):
        said = {name: value for name in totals.__struct_fields__ if (value := getattr(totals, name)) is not None}
        merged = replace(merged, **said)
    return merged
