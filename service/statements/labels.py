"""What a sheet says outside its table: the period, the unit, the currency, and totals, each as a label and its value.

The value stands in the label's cell, as in `币种：人民币`, or in the next cell that is not empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

from msgspec import Struct

from domain.normalise import normalized
from service.statements import cells
from service.statements.balances import Totals
from service.statements.cells import Cell, Wrong
from service.statements.headings import raw, title, where
from service.statements.statement import StatementWrong

CURRENCIES = frozenset(
    {"cny", "rmb", "人民币", "人民币元", "元", "156", "01", "001", "cny人民币", "人民币cny", "人民币(cny)"}
)
"""The values of a currency that mean yuan."""
OTHER_UNIT = re.compile("[千百十万亿]+元|usd|hkd|eur|gbp|jpy|美元|欧元|港元|港币|英镑|日元")
_CURRENCY, _UNIT = "currency", "unit"
_FROM, _TO, _PERIOD = "first_day", "last_day", "period"
LABELS = {
    _CURRENCY: "币种 币别 货币 账户币种 交易币种 currency ccy",
    _UNIT: "单位 金额单位 货币单位 unit",
    _PERIOD: "查询时间范围 查询日期范围 起止日期 日期范围 查询日期 查询时间 账单期间 对账期间 会计期间 起止时间",
    _FROM: "起始日期 开始日期 起始日 开始日 查询起始日期",
    _TO: "截止日期 结束日期 终止日期 截止日 结束日 查询截止日期",
    "opening": "期初余额 上期余额 上期结转余额 起始余额 月初余额 年初余额",
    "closing": "期末余额 本期余额 截止余额 月末余额 年末余额",
    "lines": "总笔数 合计笔数 交易笔数 记录数 总记录数 笔数合计",
    "lines_out": "借方笔数 借方总笔数 借方发生总笔数 支出笔数 支出总笔数 付款笔数 借方合计笔数 支出合计笔数",
    "lines_in": "贷方笔数 贷方总笔数 贷方发生总笔数 收入笔数 收入总笔数 收款笔数 贷方合计笔数 收入合计笔数",
    "out": "借方发生总额 借方总额 借方合计 借方合计金额 支出总额 支出合计 支出合计金额 支出总金额 付款总额",
    "received": "贷方发生总额 贷方总额 贷方合计 贷方合计金额 收入总额 收入合计 收入合计金额 收入总金额 收款总额",
}
"""The labels of each value, separated by spaces."""
_LABEL_OF = {label: name for name, written in LABELS.items() for label in written.split()}
_WRITTEN = re.compile(r"([^:]{1,20}):(.*)")
_DAY = re.compile(r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?|(?<!\d)\d{8}(?!\d)")


class Stated(Struct, frozen=True):
    """What a sheet says outside its table: totals, and the first and last day of its lines."""

    totals: Totals
    first_day: date | None = None
    last_day: date | None = None


def read(rows: Sequence[Sequence[Cell]], numbered_from: int = 1) -> Stated:
    """What these rows say. `numbered_from`: the number of the first of them. Raises StatementWrong.

    It is raised if the amounts are in another currency or unit than the yuan.
    """
    said: dict[str, Any] = {}
    for number, row in enumerate(rows, numbered_from):
        for at, name, value in _labels(row):
            if name in (_CURRENCY, _UNIT):
                _check_yuan(name, value, where(number, at))
            else:
                said.update(_value(name, value))
    days = {name: said.pop(name) for name in (_FROM, _TO) if name in said}
    return Stated(Totals(**said), **days)


def begins_with_label(row: Sequence[Cell]) -> bool:
    """Whether the first cell of the row that is not empty is a label, or has one with its value."""
    first = next((at for at, cell in enumerate(row) if raw(cell).strip()), None)
    return any(at == first for at, _, _ in _labels(row))


def _labels(row: Sequence[Cell]) -> Iterator[tuple[int, str, str]]:
    """The labels in a row: the column, the name in LABELS, and the value as it is written."""
    for at, cell in enumerate(row):
        written = normalized(raw(cell))
        whole = title(cell).rstrip(":")
        if name := _LABEL_OF.get(whole):
            yield at, name, next((raw(each) for each in row[at + 1 :] if raw(each).strip()), "")
            continue
        for part in re.split(r"[;;,,、|]", written):
            if (match := _WRITTEN.fullmatch(part)) and (name := _LABEL_OF.get(match[1])):
                yield at, name, match[2]
        if re.search("单位:|币种:|币别:", written):  # in the middle of a title
            yield at, _UNIT, re.split("单位:|币种:|币别:", written, maxsplit=1)[1]


def _check_yuan(name: str, value: str, place: str) -> None:
    written = normalized(value)
    if OTHER_UNIT.search(written) or (name == _CURRENCY and written and written not in CURRENCIES):
        raise StatementWrong([(place, "Amounts must be in yuan.", "金额须以元为单位、人民币计价。")])


def _value(name: str, value: str) -> dict[str, Any]:
    """What the label says, by the names in Totals and of the days; empty if it is not readable."""
    days = [_day(each) for each in _DAY.findall(value)]
    if name == _PERIOD:
        return {_FROM: days[0], _TO: days[1]} if len(days) == 2 and None not in days else {}
    if name in (_FROM, _TO):
        return {name: days[0]} if len(days) == 1 and days[0] else {}
    reader: Callable[[str], int] = int if name.startswith("lines") else cells.amount
    try:
        return {name: reader(value.strip().removesuffix("笔"))} if value.strip() else {}
    except (Wrong, ValueError):
        return {}


def _day(written: str) -> date | None:
    try:
        return cells.day(written)
    except Wrong:
        return None
