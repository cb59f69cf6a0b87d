"""Finds the headings of a statement on a sheet, and which column has which part of a line.

The usual headings are those of the exports of Chinese banks, of treasuries, and of accounting programs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from domain.normalise import normalized
from service.statements import cells
from service.statements.cells import Cell
from service.statements.statement import StatementWrong


def _names(written: str) -> tuple[str, ...]:
    """The names in a text that separates them by commas."""
    return tuple(each.strip() for each in written.split(","))


HEADINGS: dict[str, tuple[str, ...]] = {
    "date": _names(
        """
        交易日期, 记账日期, 入账日期, 清算日期, 支付日期, 业务日期, 发生日期, 会计日期, 过账日期, 凭证日期,
        交易日, 记账日, 入账日, 交易时间, 入账时间, 记账时间, 日期, date, transaction date, booking date,
        posting date, value date
        """
    ),
    "out": _names(
        """
        借方发生额, 借方金额, 借方交易金额, 借记金额, 支出金额, 付款金额, 支付金额, 转出金额, 支取金额, 付出金额,
        汇出金额, 取款金额, 支出发生额, 发生额借方, 借方, 支出, 付出, 转出, 支取, 汇出, 取款, debit,
        debit amount, withdrawal, withdrawals, paid out, money out
        """
    ),
    "in": _names(
        """
        贷方发生额, 贷方金额, 贷方交易金额, 贷记金额, 收入金额, 收款金额, 转入金额, 存入金额, 汇入金额, 存款金额,
        收入发生额, 发生额贷方, 贷方, 收入, 转入, 存入, 汇入, 存款, credit, credit amount, deposit, deposits,
        paid in, money in
        """
    ),
    "amount": _names(
        """
        交易金额, 发生额, 发生金额, 交易额, 收支金额, 收/支金额, 交易发生额, 金额, amount, transaction amount
        """
    ),
    "direction": _names(
        """
        借贷标志, 借贷标识, 借贷标记, 借贷方向, 借贷类型, 借贷别, 收支方向, 收支标志, 收支类型, 收付标志,
        收付标识, 收付方向, 收付类型, 交易方向, 资金流向, 往来标志, 来往账标志, 往来账标志, 出入账标志, 借贷,
        借/贷, 收支, 收/支, 收付, 收/付, direction, debit/credit, dr/cr, d/c, c/d, cr/dr
        """
    ),
    "payee": _names(
        """
        对方户名, 对方账户名称, 对方账户名, 对方帐户名称, 对方帐户名, 对方账号名称, 对方帐号名称, 对方单位名称,
        对方单位, 对方名称, 对方姓名, 对方公司名称, 对方客户名称, 收款人名称, 收款人全称, 收款人户名, 收款人姓名,
        收款人账户名称, 收款人, 收款方名称, 收款方户名, 收款方账户名称, 收款方, 收款单位名称, 收款单位,
        收款账户名称, 收款账户名, 收款户名, 收(付)方名称, 收(付)款方名称, 收(付)款人名称, 收(付)款人,
        收/付方名称, 收付方名称, 收付方户名, 收付款人名称, 收付款人, 收付款方, 交易对手名称, 交易对手户名,
        交易对手, 交易对方名称, 交易对方户名, 交易对方, 往来单位名称, 往来单位, 对手户名, 对手名称, 对方信息户名,
        payee, payee name, payee's name, counterparty, counterparty name, beneficiary, beneficiary name
        """
    ),
    "payer": _names(
        """
        付款人名称, 付款人全称, 付款人户名, 付款人姓名, 付款人, 付款方名称, 付款方户名, 付款方, 付款单位名称,
        付款单位, 付款账户名称, 付款账户名, 付款户名, payer, payer name, payer's name
        """
    ),
    "account": _names(
        """
        对方账号, 对方帐号, 对方卡号/账号, 对方账号/卡号, 对方卡号, 对方账户, 对方帐户, 收款人账号, 收款人帐号,
        收款人卡号, 收款方账号, 收款方帐号, 收款单位账号, 收款账号, 收款帐号, 收款账户, 收(付)方账号,
        收(付)款人账号, 收(付)款方账号, 收/付方账号, 收付方账号, 收付款人账号, 收付款账号, 交易对手账号,
        交易对手账户, 交易对方账号, 对手账号, 对方信息账号, counterparty account, payee account,
        payee's account number, beneficiary account
        """
    ),
    "payer_account": _names(
        """
        付款人账号, 付款人帐号, 付款方账号, 付款方帐号, 付款单位账号, 付款账号, 付款帐号, 付款账户,
        payer account, debit account no.
        """
    ),
    "reference": _names(
        """
        流水号, 交易流水号, 银行流水号, 银行交易流水号, 核心流水号, 核心交易流水号, 主机流水号, 全局流水号,
        业务流水号, 账户明细编号-交易流水号, 柜员流水号, 交易流水, 流水, 交易编号, 交易号, 回单编号, 回单号,
        电子回单号, 日志号, reference, transaction reference number, transaction id
        """
    ),
    "voucher": _names(
        """
        支付凭证号, 凭证号, 凭证号码, 凭证编号, 凭证序号, 支付令号, 拨款凭证号, 票据号, 票据号码, 支票号,
        voucher, voucher number, cheque number
        """
    ),
    "summary": _names(
        """
        摘要, 交易摘要, 用途, 交易用途, 附言, 交易附言, 客户附言, 备注, 交易备注, 说明, 交易说明, 摘要说明,
        summary, description, remark, purpose, narrative
        """
    ),
    "balance": _names(
        """
        账户余额, 余额, 交易后余额, 账面余额, 本次余额, 当前余额, 联机余额, 结余, balance, running balance,
        after-transaction balance
        """
    ),
    "currency": _names(
        """
        币种, 币别, 货币, 交易币种, 交易货币, 账户币种, 货币类型, 货币种类, 币种名称, currency, ccy,
        trade currency
        """
    ),
}
"""Maps each part of a statement line, such as `date`, to the usual headings of its column, the most likely first.

`payee` and `account` are the counterparty's. Where a sheet has the payer's beside them, they are those of money that is
paid out, and the payer's those of money that is received.
"""
AMOUNTS = ("out", "in", "amount", "balance")
MAX_HEADING_ROW = 50
"""The headings must be within this number of rows from the top of the sheet."""
UNIT = re.compile(
    r"[(\[【](?:元|人民币|人民币元|rmb|cny|¥|yuan|单位[::].{1,4}|元[,、/]?人民币|[千万亿]元)[)\]】]|/元|\(?单位:元\)?"
)
_OTHER_LANGUAGE = re.compile(r"\[[\x21-\x7e]*\]$")
_SIDE = re.compile(r"\((支取|存入|收入|支出|支|收|借|贷|付款|收款|付|转出|转入|debit|credit|dr|cr)\)$")
_HAS_SIDE = re.compile("[借贷支收付转存取]|debit|credit")
_LIKE_A_PAYEE = re.compile(
    "(?:对方|对手|收款|付款|收付|交易方|往来|受益|客户|供应商).*(?:户名|名称|姓名|单位|全称|人|方|商)$|payee|beneficiary|counterpart"
)


@dataclass(frozen=True, slots=True)
class Headings:
    """The headings of a sheet: in the rows from `top` to `bottom`, as indexes from 0.

    `titles`: the heading of each column, as it is compared. `positions`: the column index of each part of a line.
    """

    top: int
    bottom: int
    titles: Sequence[str]
    positions: Mapping[str, int]

    @property
    def width(self) -> int:
        return len(self.titles)

    def unread(self) -> Iterator[int]:
        """The columns that have a heading and are no part of a line."""
        read = set(self.positions.values())
        return (at for at, title in enumerate(self.titles) if title and at not in read)


def where(row: int, column: int) -> str:
    """The place of a cell as a spreadsheet shows it, such as `row 7, column D`. Rows count from 1, columns from 0."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"row {row}, column {letters}"


def raw(cell: Cell) -> str:
    return str(cell)[: cells.MAX_CELL_LENGTH] if cell is not None else ""


def title(cell: Cell) -> str:
    """The text of a heading for comparison, without a unit in brackets or a second language.

    A side in brackets is put before the heading, as in 支出金额 for 金额(支出), unless the heading names one already.
    Other brackets are kept, because they may distinguish two headings.
    """
    written = UNIT.sub("", _OTHER_LANGUAGE.sub("", normalized(raw(cell))))
    if side := _SIDE.search(written):
        named = UNIT.sub("", _SIDE.sub("", written))
        return named if _HAS_SIDE.search(named) else side[1] + named
    return written


def find(rows: Sequence[Sequence[Cell]], columns: Mapping[str, str]) -> Headings | None:
    """The headings of the sheet; None if it has none of a date and an amount.

    `columns` maps a part of a line to its heading, where that is not a usual one. Raises StatementWrong if the headings
    are ambiguous.
    """
    for top, row in enumerate(rows[:MAX_HEADING_ROW]):
        one = _read(top, top, [title(cell) for cell in row], columns)
        two = _in_two_rows(rows, top, columns)
        best = two if two and (not one or len(two.positions) > len(one.positions)) else one
        if best:
            _check_unambiguous(best)
            return best
    return None


def _read(top: int, bottom: int, titles: Sequence[str], columns: Mapping[str, str]) -> Headings | None:
    """The headings in these rows; None if they have no date, no amount, or not all that the client named."""
    wanted = {part: (columns[part],) if part in columns else usual for part, usual in HEADINGS.items()}
    found = {part: at for part, names in wanted.items() if (at := _position(titles, names)) is not None}
    positions = _amount_parts(found, columns)
    if "date" in positions and positions.keys() & {"out", "in", "amount"} and columns.keys() <= positions.keys():
        return Headings(top, bottom, titles, positions)
    return None


def _position(titles: Sequence[str], names: Sequence[str]) -> int | None:
    return next((titles.index(each) for name in names if (each := title(name)) in titles), None)


def _in_two_rows(rows: Sequence[Sequence[Cell]], top: int, columns: Mapping[str, str]) -> Headings | None:
    """The headings if they are in the row `top` and the one below it, as in 发生额 above 借方 and 贷方."""
    if top + 1 >= len(rows) or any(_is_value(cell) for cell in rows[top + 1]):
        return None
    upper, lower = ([title(cell) for cell in row] for row in rows[top : top + 2])
    names = {title(name) for usual in HEADINGS.values() for name in usual}
    if not any(lower) or not names.intersection(upper):
        return None
    upper += [""] * (len(lower) - len(upper))
    lower += [""] * (len(upper) - len(lower))
    above, titles = "", []
    for over, under in zip(upper, lower, strict=True):
        above = over or (above if under else "")
        titles.append(next((each for each in (above + under, under) if under and each in names), above + under))
    return _read(top, top + 1, titles, columns)


def _is_value(cell: Cell) -> bool:
    """Whether a cell has a number or a day, so that its row is no row of headings."""
    if cell is None or isinstance(cell, str):
        return bool(re.search(r"\d{3}", raw(cell)))
    return True


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


def _check_unambiguous(headings: Headings) -> None:
    """Raises StatementWrong if two columns have the same heading, or if one column gives two parts of a line."""
    positions = list(headings.positions.values())
    for at in positions:
        if headings.titles.count(headings.titles[at]) > 1 or positions.count(at) > 1:
            place = where(headings.bottom + 1, at)
            english = "This heading names two columns, or is used for two parts of a line."
            raise StatementWrong([(place, english, "该标题重复，无法区分各列。")])


def like_a_payee(heading: str) -> bool:
    """Whether a heading that was not read seems to be that of the counterparty's name."""
    return bool(_LIKE_A_PAYEE.search(heading))
