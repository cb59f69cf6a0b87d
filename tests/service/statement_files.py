"""Bank statement files for tests: the same lines as CSV, as a workbook, and as camt.053."""

from __future__ import annotations

import csv
import io
from xml.sax.saxutils import escape

from openpyxl import Workbook

from domain.fund.reconciliation import Direction

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


def as_camt(lines, extra="", namespace="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"):
    entries = "".join(map(_entry, lines))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{namespace}"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>1</MsgId></GrpHdr><Stmt><Id>1</Id>{extra}{entries}</Stmt></BkToCstmrStmt></Document>"
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
