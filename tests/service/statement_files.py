"""Bank statement files for tests: the same lines as CSV, as a workbook, and in every other format that is read."""

from __future__ import annotations

import csv
import io
from xml.sax.saxutils import escape

from openpyxl import Workbook

from domain.fund.reconciliation import Direction
from domain.money import Money

HEADINGS = ("交易日期", "借方发生额", "贷方发生额", "对方户名", "对方账号", "流水号", "凭证号", "摘要")
TITLE = ("示例银行对账单",)
INDICATORS = {Direction.OUT: "DBIT", Direction.IN: "CRDT"}


def _cells(line):
    """The cells of a row. `line` is a domain Line whose account is an unmasked number."""
    out, received = (str(line.amount), "") if line.direction is Direction.OUT else ("", str(line.amount))
    others = (line.payee, line.account, line.reference, line.voucher, line.summary)
    return (line.on.isoformat(), out, received, *(each or "" for each in others))


def as_csv(lines, encoding="utf-8", delimiter=",", headings=HEADINGS):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerows([TITLE, headings, *map(_cells, lines)])
    return text.getvalue().encode(encoding)


def as_xlsx(lines, *, numbers=True):
    """The lines as an Excel workbook. If `numbers` is false, its dates and amounts are texts."""
    workbook = Workbook()
    sheet = workbook.active
    sheet.append(TITLE)
    sheet.append(HEADINGS)
    for line in lines:
        day, out, received, *rest = _cells(line)
        if numbers:
            day, out, received = line.on, float(out) if out else None, float(received) if received else None
        sheet.append([day, out, received, *rest])
    return saved(workbook)


def saved(workbook):
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


MESSAGES = {
    "053": ("BkToCstmrStmt", "Stmt"),
    "052": ("BkToCstmrAcctRpt", "Rpt"),
    "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}


def as_camt(lines, extra="", namespace="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08", header=""):
    entries = "".join(map(_entry, lines))
    message, part = MESSAGES[namespace.rpartition("camt.")[2][:3]]
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{namespace}"><{message}>'
        f"<GrpHdr><MsgId>1</MsgId>{header}</GrpHdr><{part}><Id>1</Id>{extra}{entries}</{part}></{message}></Document>"
    ).encode()


def _entry(line):
    party = "Cdtr" if line.direction is Direction.OUT else "Dbtr"
    name = f"<{party}><Pty><Nm>{escape(line.payee)}</Nm></Pty></{party}>" if line.payee else ""
    account = f"<{party}Acct><Id><Othr><Id>{line.account}</Id></Othr></Id></{party}Acct>" if line.account else ""
    reference = f"<AcctSvcrRef>{escape(line.reference)}</AcctSvcrRef>" if line.reference else ""
    voucher = f"<EndToEndId>{escape(line.voucher)}</EndToEndId>" if line.voucher else ""
    remittance = f"<RmtInf><Ustrd>{escape(line.summary)}</Ustrd></RmtInf>" if line.summary else ""
    return (
        f'<Ntry><Amt Ccy="CNY">{line.amount}</Amt><CdtDbtInd>{INDICATORS[line.direction]}</CdtDbtInd>'
        f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{line.on}</Dt></BookgDt><NtryDtls><TxDtls><Refs>{reference}{voucher}"
        f"</Refs><RltdPties>{name}{account}</RltdPties>{remittance}</TxDtls></NtryDtls></Ntry>"
    )


def as_mt940(lines, opening=None, encoding="utf-8"):
    """The lines as an MT940 message. With `opening`, a Money, it has the balances before and after the lines."""
    fields = [":20:REF", ":25:6200", ":28C:1/1", ":34F:CNYD0,"]
    if opening is not None:
        closing = opening + sum(line.amount if line.direction is Direction.IN else -line.amount for line in lines)
        days = [line.on for line in lines]
        fields = [*fields[:3], f":60F:{_balance(opening, min(days))}"]
    for line in lines:
        mark = "D" if line.direction is Direction.OUT else "C"
        bank = f"//{line.reference}" if line.reference else ""
        details = {"20": line.summary, "31": line.account, "32": line.payee}
        fields += [
            f":61:{line.on:%y%m%d%m%d}{mark}{_with_comma(line.amount)}NTRF{line.voucher or 'NONREF'}{bank}",
            ":86:166?00" + "".join(f"?{key}{text}" for key, text in details.items() if text),
        ]
    if opening is not None:
        fields.append(f":62F:{_balance(closing, max(days))}")
    return "\r\n".join(["{1:F01SAMPLE}{2:O940SAMPLE}{4:", *fields, "-}"]).encode(encoding)


def _with_comma(amount):
    return str(amount).replace(".", ",")


def _balance(amount, day):
    return f"{'C' if amount >= 0 else 'D'}{day:%y%m%d}CNY{_with_comma(Money(abs(amount)))}"


def as_ofx(lines, *, version=1, encoding="utf-8", extra=""):
    """The lines as OFX: in version 1, which is SGML, only elements that have elements have end tags."""
    transactions = "".join(_transaction(number, line, version) for number, line in enumerate(lines, 1))
    header = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\n\n"
    if version == 2:
        header = '<?xml version="1.0" encoding="UTF-8"?><?OFX OFXHEADER="200" VERSION="202"?>'
    return (
        f"{header}<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS>{_leaf('CURDEF', 'CNY', version)}<BANKACCTFROM>"
        f"{_leaf('ACCTID', '6200', version)}</BANKACCTFROM><BANKTRANLIST>{transactions}</BANKTRANLIST>{extra}"
        "</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    ).encode(encoding)


def _transaction(number, line, version):
    out = line.direction is Direction.OUT
    account = f"<BANKACCTTO>{_leaf('ACCTID', line.account, version)}</BANKACCTTO>" if line.account else ""
    leaves = {
        "TRNTYPE": "DEBIT" if out else "CREDIT",
        "DTPOSTED": f"{line.on:%Y%m%d}120000[+8:CST]",
        "TRNAMT": f"{'-' if out else ''}{line.amount}",
        "FITID": str(number),
        "CHECKNUM": line.voucher,
        "REFNUM": line.reference,
        "NAME": line.payee,
        "MEMO": line.summary,
    }
    written = "".join(_leaf(name, text, version) for name, text in leaves.items() if text)
    return f"<STMTTRN>{written}{account}</STMTTRN>"


def _leaf(name, text, version):
    return f"<{name}>{escape(text)}" + (f"</{name}>" if version == 2 else "\n")


def as_voucher(lines, *, kind="3508", encoding="gb18030", header="", day="PayDate"):
    """The lines as a voucher of the treasury. It has no direction of its own: all lines pay out, or all come in."""
    details = "".join(_voucher_detail(line, day) for line in lines)
    total = Money(sum(line.amount for line in lines))
    return (
        f'<?xml version="1.0" encoding="GBK"?>\n<Voucher><VtCode>{kind}</VtCode>{header}'
        "<CurrencyCode>CNY</CurrencyCode>"
        f"<AllNum>{len(lines)}</AllNum><AllAmt>{total}</AllAmt><DetailList>{details}</DetailList></Voucher>"
    ).encode(encoding)


def _voucher_detail(line, day):
    leaves = {
        "VoucherNo": line.voucher,
        "PayeeAcctNo": line.account,
        "PayeeAcctName": line.payee,
        "PayAmt": str(line.amount),
        day: f"{line.on:%Y%m%d}",
        "AgentBusinessNo": line.reference,
        "PaySummaryName": line.summary,
    }
    return "<Detail>" + "".join(f"<{name}>{escape(text or '')}</{name}>" for name, text in leaves.items()) + "</Detail>"
