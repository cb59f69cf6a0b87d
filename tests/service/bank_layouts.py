"""Statements as exports of ten banks, a treasury and an accounting program print them: real layouts, invented lines.

A layout is a function from lines, with the balance after each, to the bytes of a file.
"""

from __future__ import annotations

import csv
import io
from typing import NamedTuple

from domain.fund.reconciliation import Direction
from domain.money import Money

OPENING = Money(1_000_000_000_00)
OWN = ("示例区财政局", "6200000000000000001")


class Printed(NamedTuple):
    """What a bank prints of a line: `moved` is signed. Names and numbers that are missing are empty."""

    day: str
    moved: Money
    balance: Money
    payee: str
    account: str
    reference: str
    voucher: str
    summary: str

    @property
    def out(self):
        return self.moved < 0

    def amount(self, zero=""):
        """The amounts in the column of payments and in the column of receipts."""
        plain = str(Money(abs(self.moved)))
        return (plain, zero) if self.out else (zero, plain)


def printed(lines, opening=OPENING):
    balance = opening
    for line in lines:
        moved = Money(-line.amount if line.direction is Direction.OUT else line.amount)
        balance = Money(balance + moved)
        yield Printed(
            line.on.isoformat(), moved, balance, line.payee or "", line.account or "", line.reference or "",
            line.voucher or "", line.summary or "",
        )  # fmt: skip


def grouped(amount):
    return f"{'-' if amount < 0 else ''}{abs(amount) // 100:,}.{abs(amount) % 100:02}"


def as_text(rows, encoding="gb18030", delimiter=",", newline="\r\n"):
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, lineterminator=newline).writerows(rows)
    return written.getvalue().encode(encoding)


def icbc(lines):
    yield ("[HISTORYDETAIL]",)
    yield "凭证号", "交易时间", "对方单位", "对方账号", "转入金额", "转出金额", "余额", "用途", "摘要", "附言"
    for number, each in enumerate(lines):
        out, received = each.amount()
        when = f"{each.day} 11:09:16"
        yield 98000000 + number, when, each.payee, each.account, received, out, each.balance, "", each.summary, ""


def ccb(lines):
    yield ("中国建设银行",)
    yield "账　　号", OWN[1], "账户名称", OWN[0]
    yield (
        "交易时间", "借方发生额/元(支取)", "贷方发生额/元(收入)", "余额", "币种", "对方户名", "对方账号",
        "对方开户机构",
        "记账日期", "摘要", "备注", "账户明细编号-交易流水号",
    )  # fmt: skip
    for number, each in enumerate(lines):
        day = each.day.replace("-", "")
        yield (
            f"{day} 15:24:03", *each.amount("0"), each.balance, "人民币元", each.payee, each.account, "示例支行", day,
            each.summary, "", f"{13800 + number}-530905038F4B",
        )  # fmt: skip


def boc(lines):
    """Signs and words for the direction, the payer beside the payee, and totals above the table."""
    paid, received = ([each for each in lines if each.out is out] for out in (True, False))
    yield "总笔数[ Total number ]", len(lines)
    yield "借方发生总笔数[ Total Numbers of Debited Payments ]", len(paid)
    yield "借方发生总额[ Total Debit Amount of Payments ]", grouped(-sum(each.moved for each in paid))
    yield "贷方发生总笔数[ Total Numbers of Credited Payments ]", len(received)
    yield "贷方发生总额[ Total Credit Amount of Payments ]", grouped(sum(each.moved for each in received))
    yield (
        "交易类型[ Transaction Type ]", "付款人账号[ Debit Account No. ]", "付款人名称[ Payer's Name ]",
        "收款人账号[ Payee's Account Number ]", "收款人名称[ Payee's Name ]", "交易日期[ Transaction Date ]",
        "交易货币[ Trade Currency ]", "交易金额[ Trade Amount ]", "交易后余额[ After-transaction balance ]",
        "交易流水号[ Transaction reference number ]", "凭证号码[ Voucher number ]", "摘要[ Reference ]",
    )  # fmt: skip
    for number, each in enumerate(lines):
        us, them = OWN[::-1], (each.account, each.payee)
        sides = (*us, *them) if each.out else (*them, *us)
        yield (
            "往账" if each.out else "来账", *sides, each.day.replace("-", ""), "CNY", f"{each.moved}",
            f"+{each.balance}", f"1095852{30000 + number}", "", each.summary,
        )  # fmt: skip


def boc_signed(lines):
    """Only signs: the balances say that a negative amount is paid out."""
    yield ("中国银行交易流水明细单",)
    yield (
        "记账日期",
        "记账时间",
        "币别",
        "金额",
        "余额",
        "交易名称",
        "渠道",
        "附言",
        "对方账户名",
        "对方卡号/账号",
        "对方开户行",
    )
    for each in lines:
        masked = f"{each.account[:4]}******{each.account[-4:]}" if each.account else ""
        yield (
            each.day, "17:57:17", "人民币", grouped(each.moved), grouped(each.balance), "转账", "银企对接",
            "----------",
            each.payee, masked, "示例银行",
        )  # fmt: skip


def abc(lines):
    """The newest line first; what is missing is a dash."""
    yield "账户明细", "币种：人民币", f"户名：{OWN[0]}"
    yield "交易时间", "收入金额", "支出金额", "账户余额", "对方账号", "对方户名", "交易用途", "摘要"
    for each in reversed(lines):
        out, received = each.amount("-")
        yield (
            f"{each.day} 09:30:00", received, out, each.balance, each.account or "-", each.payee or "-",
            each.summary, "-",
        )  # fmt: skip


def bocom(lines):
    yield (
        "序号",
        "交易日期",
        "交易时间",
        "交易类型",
        "借贷",
        "交易金额",
        "余额",
        "对方账号",
        "对方户名",
        "交易地点",
        "摘要",
    )
    for number, each in enumerate(lines, 1):
        way = "借 Dr" if each.out else "贷 Cr"
        yield (
            number, each.day, "10:00:00", "转账", way, Money(abs(each.moved)), each.balance, each.account, each.payee,
            "", each.summary,
        )  # fmt: skip


def cmb(lines):
    yield "交易日期", "记账日期", "交易金额", "账户余额", "摘要", "对方账号", "对方户名"
    for each in lines:
        yield each.day, each.day, each.moved, each.balance, each.summary, each.account, each.payee


def citic(lines):
    """A balance at the end of each day only."""
    yield ("中信银行账户对账单",)
    yield "交易日期", "柜员交易号", "借方发生额", "贷方发生额", "账户余额", "对方账号", "对方账户名称", "摘要"
    for number, (each, following) in enumerate(zip(lines, [*lines[1:], None], strict=True)):
        balance = "" if following and following.day == each.day else each.balance
        yield each.day, f"T{number}", *each.amount(), balance, each.account, each.payee, each.summary


def spdb(lines):
    """Two rows of headings, and a total with the month."""
    yield "交易日期", "传票号", "发生额", "", "余额", "对方", "", "摘要"
    yield "", "", "借方", "贷方", "", "户名", "账号", ""
    for number, each in enumerate(lines):
        yield each.day, number + 1, *each.amount(), each.balance, each.payee, each.account, each.summary
    paid, received = (sum(abs(each.moved) for each in lines if each.out is out) for out in (True, False))
    month = int(lines[-1].day[5:7])
    yield f"{month}月合计", "", grouped(paid), grouped(received), "", "", "", ""


def pingan(lines):
    yield "交易时间", "收支类型", "交易金额", "余额", "收(付)方名称", "收(付)方账号", "交易流水号", "用途"
    for number, each in enumerate(lines):
        way = "转出" if each.out else "转入"
        yield (
            f"{each.day} 08:00:00", way, grouped(abs(each.moved)), grouped(each.balance), each.payee, each.account,
            f"E{number:012d}", each.summary,
        )  # fmt: skip


def cmbc(lines):
    yield "账户名称:", OWN[0]
    yield "币种:", "人民币"
    yield (
        "交易时间",
        "交易流水号",
        "借方发生额",
        "贷方发生额",
        "账户余额",
        "凭证号",
        "客户附言",
        "对方账号",
        "对方账号名称",
        "对方开户行",
    )
    for number, each in enumerate(lines):
        yield (
            f"{each.day} 10:05:43", f"CMBC-{number}", *each.amount(), each.balance, 9800000000000 + number,
            each.summary, each.account, each.payee, "示例银行",
        )  # fmt: skip


def treasury(lines):
    """The vouchers and references are the ledger's own."""
    yield "交易日期", "凭证号", "借方发生额", "贷方发生额", "余额", "对方户名", "对方账号", "流水号"
    for each in lines:
        yield each.day, each.voucher, *each.amount(), each.balance, each.payee, each.account, each.reference


def journal(lines):
    """An accounting program: the account's holder books a receipt on the debit side."""
    yield ("银行存款日记账",)
    yield "日期", "凭证号", "摘要", "借方金额", "贷方金额", "方向", "余额", "往来单位"
    yield lines[0].day, "", "期初余额", "", "", "借", grouped(Money(lines[0].balance - lines[0].moved)), ""
    for each in lines:
        out, received = each.amount()
        yield each.day, each.voucher, each.summary, received, out, "借", grouped(each.balance), each.payee
    paid, received = (sum(abs(each.moved) for each in lines if each.out is out) for out in (True, False))
    yield lines[-1].day, "", "本月合计", grouped(received), grouped(paid), "借", "", ""


BANKS = {
    "工商银行": icbc, "建设银行": ccb, "中国银行": boc, "中国银行（个人）": boc_signed, "农业银行": abc,
    "交通银行": bocom,
    "招商银行": cmb, "中信银行": citic, "浦发银行": spdb, "平安银行": pingan, "民生银行": cmbc,
}  # fmt: skip
LAYOUTS = {**BANKS, "国库": treasury, "用友": journal}


def written(layout, lines, opening=OPENING):
    """The file of a layout with these lines, which have accounts as numbers."""
    rows = LAYOUTS[layout](list(printed(lines, opening)))
    return as_text(rows, delimiter="|") if layout == "中国银行" else as_text(rows)
