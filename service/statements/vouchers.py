"""Reads vouchers of the treasury's electronic voucher library (电子凭证库): GBK XML with the root `Voucher` or `MOF`.

Their numbers are those of the ledger's payment vouchers (支付凭证号). The types that are read are 3508 (实拨对账), 3587
(清算明细), 3588 (实拨资金) and 3208 (退款). Their elements are known from the message templates of a treasury's front
end (see decision 0176); the specification is not public. Assumed beyond the templates: a `MOF` holds any number of
`Voucher` elements, each as XML or as its text in Base64; a negative amount in a list of payments is money that comes
back; the day of a payment may be in any element of DAYS.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from xml.etree.ElementTree import Element

from domain.fund.reconciliation import Direction
from domain.money import Money
from domain.tie_out import Line
from service.statements import amounts, cells, markup
from service.statements.agreement import AGREES, Period, combined, compared, contradiction, unreadable
from service.statements.balances import Checked, signed
from service.statements.cells import AccountOf, Wrong
from service.statements.collector import Collector
from service.statements.markup import find_all, text
from service.statements.placeholders import is_placeholder
from service.statements.statement import Statement, StatementWrong

TYPES = {"3508": Direction.OUT, "3587": Direction.OUT, "3588": Direction.OUT, "3208": Direction.IN}
"""The types of vouchers that are read, and the direction of their money."""
AMOUNTS = ("PayAmt", "Amt", "XPayAmt")
"""Where the amount is. XPayAmt is the amount that the other side has recorded."""
DAYS = ("XPayDate", "PayDate", "ClearDate", "XClearDate", "PayEntrustDate", "AcctDate", "VouDate")
"""Where the day of a payment is: of a detail first, then of the whole voucher."""
OWN = ("VoucherNo", "PayeeAcctNo", "PayeeAcctName")
"""A detail that has none of these is not a payment but a part of its voucher, by budget item."""
YUAN = ("CNY", "RMB", "156", "人民币")
SUMMARIES = ("PaySummaryName", "Remark", "ExpFuncName")


@dataclass(slots=True)
class _Voucher:
    """A voucher, its place in the document, and its lines so far, including notices of 0.00."""

    where: str
    element: Element
    lines: list[Line] = field(default_factory=list)

    @property
    def prefix(self) -> str:
        return f"{self.where}, " if self.where else ""

    @property
    def direction(self) -> Direction:
        return TYPES[text(self.element, "VtCode") or ""]


def read(content: bytes, account_of: AccountOf, sha256: str) -> Statement:
    """The payments of all vouchers in the document. Raises StatementWrong."""
    elements = list(_elements(markup.parse(content)))
    several = len(elements) > 1
    vouchers = [_Voucher(f"Voucher {number}" if several else "", each) for number, each in enumerate(elements, 1)]
    _require_types(vouchers)
    found = Collector()
    for voucher in vouchers:
        with found.at(f"{voucher.prefix}CurrencyCode"):
            _require_yuan(voucher.element)
        for place, element in _payments(voucher):
            with found.at(place):
                line = _line(element, voucher, account_of)
                voucher.lines.append(line)
                if line.amount:
                    found.add(place, line)
                else:
                    found.skip(place, line.voucher, line.payee, str(line.amount))
    checked = combined([*_totals(vouchers), *_packs(vouchers)])
    return found.statement(sha256, "voucher", _period(vouchers, found), checked, markup.encoding(content))


def _elements(root: Element) -> Iterator[Element]:
    """The vouchers in the document, in its order. Raises StatementWrong."""
    remaining = [root]
    while remaining:
        element = remaining.pop()
        if element.tag.rpartition("}")[2] != "Voucher":
            remaining += reversed(element)
        elif len(element) or not element.text:
            yield element
        else:
            remaining.append(_unpacked(element.text))


def _unpacked(packed: str) -> Element:
    """The root element of the XML that is `packed` in Base64. Raises StatementWrong."""
    try:
        content = b64decode("".join(packed.split()), validate=True)
    except ValueError as error:
        raise StatementWrong(
            [("Voucher", "The voucher is neither XML nor Base64.", "凭证内容既不是 XML 也不是 Base64。")]
        ) from error
    return markup.parse(content)


def _require_types(vouchers: Sequence[_Voucher]) -> None:
    """Raises StatementWrong if there is no voucher, or one of a type that is not read."""
    types = [text(each.element, "VtCode") or "" for each in vouchers]
    other = next((number for number, each in enumerate(types) if each not in TYPES), None)
    if other is not None or not types:
        code = "" if other is None else cells.masked(types[other], 20)
        raise StatementWrong(
            [
                (
                    f"{vouchers[other].prefix}VtCode" if other is not None else "",
                    f"A voucher of type {code!r} is not a statement: {' or '.join(TYPES)} is.",
                    f"凭证类型“{code}”不能作为对账单，须为 {'或'.join(TYPES)}。",
                )
            ]
        )


def _require_yuan(voucher: Element) -> None:
    for each in ("CurrencyCode", "CurrencyName"):
        currency = text(voucher, each)
        if currency and currency.upper() not in YUAN:
            raise Wrong(f"The currency is {cells.masked(currency, 20)!r}, not CNY.", "币种不是人民币。")


def _payments(voucher: _Voucher) -> Iterator[tuple[str, Element]]:
    """The elements that are payments: the details, or the voucher itself if its details are only parts of it."""
    details = find_all(voucher.element, "DetailList/Detail")
    if any(text(detail, *OWN) for detail in details) or (details and not text(voucher.element, "PayAmt")):
        for number, detail in enumerate(details, 1):
            yield f"{voucher.prefix}Detail {number}", detail
    elif text(voucher.element, *AMOUNTS):
        yield f"{voucher.prefix}PayAmt", voucher.element


def _line(payment: Element, voucher: _Voucher, account_of: AccountOf) -> Line:
    """The line of a payment; its amount may be 0. Raises Wrong.

    The amount of a refund may be written as negative: it comes back all the same.
    """
    amount = amounts.amount(text(payment, *AMOUNTS))
    return Line(
        _day(payment, voucher.element),
        Direction.IN if amount < 0 else voucher.direction,
        Money(abs(amount)),
        cells.name(_given(payment, "PayeeAcctName")),
        cells.account(_given(payment, "PayeeAcctNo"), account_of),
        markup.number(*(text(payment, each) for each in ("XAgentBusinessNo", "AgentBusinessNo"))),
        markup.number(text(payment, "VoucherNo")),
        summary=cells.name(_given(payment, *SUMMARIES)),
    )


def _given(payment: Element, *names: str) -> str | None:
    """The text of the first of the elements that has any besides a placeholder."""
    found = (text(payment, name) for name in names)
    return next((written for written in found if written and not is_placeholder(written)), None)


def _day(payment: Element, voucher: Element) -> date:
    written = text(payment, *DAYS) or text(voucher, *DAYS)
    if written is None and text(voucher, "BeginDate") == text(voucher, "EndDate"):
        written = text(voucher, "BeginDate")
    if written is None:
        raise Wrong(
            "The payment has no day: PayDate is empty, and so is VouDate of the voucher.",
            "缺少支付日期：明细的 PayDate 与凭证的 VouDate 均为空。",
        )
    return cells.day(written)


def _period(vouchers: Sequence[_Voucher], found: Collector) -> Period:
    """The first and the last day that the vouchers say that they cover; None if none says it."""
    days: dict[str, list[date]] = {"BeginDate": [], "EndDate": []}
    for voucher in vouchers:
        for name, known in days.items():
            with found.at(f"{voucher.prefix}{name}"):
                if written := text(voucher.element, name):
                    known.append(cells.day(written))
    return min(days["BeginDate"], default=None), max(days["EndDate"], default=None)


# Comparisons -----------------------------------------------------------------------


def _totals(vouchers: Sequence[_Voucher]) -> Iterator[Checked]:
    """Compare AllNum, AllAmt and PayAmt with the lines: of the voucher, or of all packs of its list together."""
    for voucher in vouchers:
        own = _totals_of(voucher, voucher.lines)
        packs = [line for each in vouchers if _list_of(each) == _list_of(voucher) for line in each.lines]
        whole = own if own.adds_up is not False else _totals_of(voucher, packs)
        yield whole if whole.adds_up else own


def _totals_of(voucher: _Voucher, lines: Sequence[Line]) -> Checked:
    try:
        return combined(_compared(voucher, lines))
    except Wrong as wrong:
        return unreadable(voucher.where, wrong)


def _compared(voucher: _Voucher, lines: Sequence[Line]) -> Iterator[Checked]:
    paid, gross = abs(sum(map(signed, lines))), sum(line.amount for line in lines)
    if stated := text(voucher.element, "AllNum"):
        yield _counted(f"{voucher.prefix}AllNum", amounts.count(stated), len(lines))
    for name in ("AllAmt", "PayAmt"):
        if stated := text(voucher.element, name):
            fen = abs(amounts.amount(stated))
            yield compared(f"{voucher.prefix}{name}", ("total", "合计"), fen, gross if fen == gross else paid)
    details = find_all(voucher.element, "DetailList/Detail")
    parts = [amounts.amount(written) for each in details if (written := text(each, *AMOUNTS))]
    if details and len(parts) == len(details) and len(lines) == 1:
        yield compared(voucher.where, ("amount", "金额"), lines[0].amount, abs(sum(parts)))


def _counted(where: str, stated: int, actual: int) -> Checked:
    if stated == actual:
        return AGREES
    return contradiction(
        where,
        f"The file says that there are {stated} payments; it has {actual}.",
        f"文件载明 {stated} 笔，实有 {actual} 笔。",
    )


def _list_of(voucher: _Voucher) -> tuple[str | None, ...]:
    """What the packs of a list that is sent in several packs have in common."""
    return tuple(text(voucher.element, each) for each in ("VtCode", "VoucherCheckNo"))


def _packs(vouchers: Sequence[_Voucher]) -> Iterator[Checked]:
    """Whether all packs of each list are there."""
    lists: dict[tuple[str | None, ...], list[Element]] = {}
    for voucher in vouchers:
        lists.setdefault(_list_of(voucher), []).append(voucher.element)
    for elements in lists.values():
        stated = max((written for each in elements if (written := text(each, "ChildPackNum"))), default="")
        if stated.isascii() and stated.isdigit() and int(stated[:9]) > len(elements):
            yield contradiction(
                "ChildPackNum",
                f"The list was sent in {stated[:9]} packs; {len(elements)} of them are here.",
                f"对账单共 {stated[:9]} 个包，此处仅有 {len(elements)} 个。",
            )
