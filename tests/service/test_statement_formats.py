"""Statements in camt, MT940, OFX and vouchers are read to the fen, or refused with the place and the reason."""

import base64
import re
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.fund.reconciliation import Direction
from domain.money import Money
from domain.state.entities import BankAccount
from domain.tie_out import Line
from service.api.posting.fields import Party
from service.statements import Choices, StatementWrong
from service.statements import read as read_in_sandbox
from service.statements.balances import signed
from service.statements.reader import read
from tests.service.statement_files import as_camt, as_mt940, as_ofx, as_voucher

IN, OUT = Direction.IN, Direction.OUT
LINE = Line(date(2019, 9, 5), OUT, Money(29505500), "示例8号项目乙单位", None, "R-1", "V-1", 1, "拨付")
SECOND = Line(date(2019, 9, 6), IN, Money(30000), "示例4号项目甲单位", None, "R-2", "V-2", 2, "退回")
CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.{}"
NUMBER = "6222021234567890123"


def account_of(number):
    return BankAccount(number[-4:], f"digest of {number}")


def parsed(content, days=(None, None), **columns):
    return read(content, Choices(columns), account_of, days)


def wrong(content, **columns):
    with pytest.raises(StatementWrong) as refused:
        parsed(content, **columns)
    for error in refused.value.errors:
        assert re.search("[a-z]", error[1])
        assert re.search("[\u4e00-\u9fff]", error[2])
        assert not any(Party.NUMBER.search(each) for each in error)
    return refused.value.errors


def contradictions(statement):
    return [english for _, english, _ in statement.contradictions]


def moved(statement):
    return [(str(line.amount), line.direction) for line in statement.lines]


NAMES = st.text(st.sampled_from("甲乙丙公司A b()（）·&<"), max_size=8).map(lambda text: " ".join(text.split()) or None)
NUMBERS = st.none() | st.from_regex(r"[A-Z]{1,3}-[1-9][0-9]{0,5}", fullmatch=True)
DAYS = st.dates(date(2019, 1, 1), date(2019, 12, 31))
ACCOUNTS = st.none() | st.from_regex(r"62[0-9]{17}", fullmatch=True)


def lines_of(directions):
    each = st.builds(
        Line, DAYS, st.sampled_from(directions), st.integers(1, 10**13).map(Money), NAMES, ACCOUNTS, NUMBERS, NUMBERS,
        st.just(0), NAMES,
    )  # fmt: skip
    several = st.lists(each, min_size=1, max_size=5)
    return several.map(lambda lines: [replace(line, number=number) for number, line in enumerate(lines, 1)])


FORMS = {
    "camt.052": lambda lines: as_camt(lines, namespace=CAMT.format("052.001.06")),
    "camt.053": lambda lines: as_camt(lines, namespace=CAMT.format("053.001.13")),
    "camt.054": lambda lines: as_camt(lines, namespace=CAMT.format("054.001.08")),
    "mt940": lambda lines: as_mt940(lines, Money(10**9)),
    "mt942": as_mt940,
    "ofx": as_ofx,
}
VARIANTS = {
    "mt940 in GBK": ("mt940", lambda lines: as_mt940(lines, Money(0), "gbk")),
    "ofx in GBK": ("ofx", lambda lines: as_ofx(lines, encoding="gbk")),
    "ofx 2": ("ofx", lambda lines: as_ofx(lines, version=2)),
    **{form: (form, write) for form, write in FORMS.items()},
}


@pytest.mark.parametrize("variant", VARIANTS)
@given(lines_of(Direction))
@settings(max_examples=30)
def test_every_format_is_read_to_the_same_lines(variant, lines):
    form, write = VARIANTS[variant]
    statement = parsed(write(lines))
    assert statement.form == form
    assert list(statement.lines) == [replace(each, account=each.account and account_of(each.account)) for each in lines]
    assert statement.contradictions == ()


@pytest.mark.parametrize(("kind", "direction"), [("3508", OUT), ("3587", OUT), ("3588", OUT), ("3208", IN)])
@given(data=st.data())
@settings(max_examples=15)
def test_every_voucher_is_read_to_the_same_lines(kind, direction, data):
    lines = [replace(line, voucher=line.voucher or "V") for line in data.draw(lines_of([direction]))]
    statement = parsed(as_voucher(lines, kind=kind))
    assert (statement.form, statement.encoding, statement.adds_up) == ("voucher", "gbk", True)
    assert list(statement.lines) == [replace(each, account=each.account and account_of(each.account)) for each in lines]


CHECKED = {
    "camt.053": lambda: as_camt([LINE, SECOND], balance("OPBD", "1000000.00") + balance("CLBD", "705245.00")),
    "mt940": lambda: as_mt940([LINE, SECOND], Money(10**8)),
    "voucher": lambda: as_voucher([LINE, replace(SECOND, direction=OUT)]),
    "ofx": lambda: as_ofx([LINE, SECOND]),
}


@pytest.mark.parametrize("form", CHECKED)
@given(data=st.data())
@settings(max_examples=120)
def test_a_damaged_file_is_refused_or_read_and_what_adds_up_is_the_same_money(form, data):
    content = CHECKED[form]()
    gained = sum(map(signed, parsed(content).lines))
    first = data.draw(st.integers(0, len(content) - 1))
    last = data.draw(st.integers(first, min(len(content), first + 40)))
    damaged = content[:first] + data.draw(st.binary(max_size=6)) + content[last:]
    with suppress(StatementWrong):
        statement = parsed(damaged)
        assert not statement.adds_up or sum(map(signed, statement.lines)) == gained


# camt ------------------------------------------------------------------------------


def balance(code, amount, currency="CNY"):
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{amount}</Amt>'
        "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2019-09-30</Dt></Dt></Bal>"
    )


def entry(amount, details="", direction="DBIT", status="<Cd>BOOK</Cd>", more=""):
    return (
        f'<Ntry><Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts>{status}</Sts>'
        f"<BookgDt><Dt>2019-09-05</Dt></BookgDt>{more}<NtryDtls>{details}</NtryDtls></Ntry>"
    )


def detail(amount="", currency="CNY", more=""):
    money = f'<AmtDtls><TxAmt><Amt Ccy="{currency}">{amount}</Amt></TxAmt></AmtDtls>' if amount else ""
    return f"<TxDtls>{money}{more}</TxDtls>"


def camt(*parts, header=""):
    """A camt.053 document of the statements with this content."""
    joined = "</Stmt><Stmt>".join(parts)
    return as_camt([], joined, header=header)


@pytest.mark.parametrize("status", ["<Prtry>PENDING</Prtry>", "<Cd>PDNG</Cd>", "INFO", "<Cd>FUTR</Cd>"])
def test_an_entry_that_is_not_booked_is_skipped_and_named(status):
    statement = parsed(camt(entry("1.00") + entry("2.00", status=status)))
    assert moved(statement) == [("1.00", OUT)]
    assert statement.skipped[0][0] == "Ntry 2"
    assert "2.00" in statement.skipped[0][1]


@pytest.mark.parametrize("status", ["<Prtry>Booked</Prtry>", "BOOK", ""])
def test_an_entry_that_is_booked_in_any_writing_is_a_line(status):
    assert moved(parsed(camt(entry("1.00", status=status)))) == [("1.00", OUT)]


def test_a_notice_of_zero_is_skipped_and_named():
    statement = parsed(camt(entry("1.00") + entry("0.00")))
    assert (moved(statement), statement.skipped) == ([("1.00", OUT)], (("Ntry 2", "0.00"),))


@pytest.mark.parametrize(
    ("amount", "message"), [("", "missing"), ("-1.00", "negative"), ("1.234", "not an amount"), ("-", "missing")]
)
def test_an_amount_that_is_missing_or_inexact_is_refused(amount, message):
    assert wrong(camt(entry("1.00") + entry(amount)))[0][0] == "Ntry 2"
    assert message in wrong(camt(entry(amount)))[0][1]


def test_the_reference_of_a_batch_is_not_that_of_its_details():
    batch = "<AcctSvcrRef>BATCH-1</AcctSvcrRef>"
    own = "<Refs><AcctSvcrRef>R-2</AcctSvcrRef></Refs>"
    repeated = f"<Refs>{batch}</Refs>"
    content = entry("6.00", detail("1.00") + detail("2.00", more=own) + detail("3.00", more=repeated), more=batch)
    statement = parsed(camt(content))
    assert [line.reference for line in statement.lines] == [None, "R-2", None]
    assert statement.rows == ("Ntry 1, TxDtls 1", "Ntry 1, TxDtls 2", "Ntry 1, TxDtls 3")
    assert parsed(camt(entry("1.00", detail("1.00"), more=batch))).lines[0].reference == "BATCH-1"


def test_an_amount_in_another_currency_is_never_yuan():
    foreign = detail("100.00", "USD", "<AmtDtls><CcyXchg><XchgRate>7</XchgRate></CcyXchg></AmtDtls>")
    assert moved(parsed(camt(entry("700.00", foreign)))) == [("700.00", OUT)]
    assert moved(parsed(camt(entry("200.00", foreign * 2)))) == [("200.00", OUT)]
    in_dollars = entry("1.00").replace('"CNY"', '"USD"')
    assert "CNY" in wrong(camt(in_dollars))[0][1]


CHARGES = '<Chrgs><Rcrd><Amt Ccy="CNY">0.50</Amt><CdtDbtInd>DBIT</CdtDbtInd></Rcrd></Chrgs>'
OLD_CHARGES = '<Chrgs><Amt Ccy="CNY">0.50</Amt></Chrgs>'


@pytest.mark.parametrize("charges", [CHARGES, OLD_CHARGES])
def test_the_charges_of_an_entry_are_a_line_if_the_sums_are_then_exact(charges):
    paid = parsed(camt(entry("3.50", detail("1.00") + detail("2.00"), more=charges)))
    assert moved(paid) == [("1.00", OUT), ("2.00", OUT), ("0.50", OUT)]
    assert paid.rows[-1] == "Ntry 1, Chrgs"
    assert "手续费" in paid.lines[-1].summary
    received = parsed(camt(entry("2.50", detail("3.00"), "CRDT", more=charges)))
    assert moved(received) == [("3.00", IN), ("0.50", OUT)]
    assert moved(parsed(camt(entry("3.60", detail("3.00"), more=charges)))) == [("3.60", OUT)]


def test_a_detail_may_have_the_other_direction():
    returned = detail("1.00", more="<CdtDbtInd>CRDT</CdtDbtInd>")
    assert moved(parsed(camt(entry("2.00", detail("3.00") + returned)))) == [("3.00", OUT), ("1.00", IN)]


def test_the_reversal_of_a_payment_comes_in_from_the_payee():
    parties = "<RltdPties><Dbtr><Nm>本单位</Nm></Dbtr><Cdtr><Nm>甲单位</Nm></Cdtr></RltdPties>"
    line = parsed(camt(entry("1.00", detail(more=parties), "CRDT", more="<RvslInd>true</RvslInd>"))).lines[0]
    assert (line.direction, line.payee) == (IN, "甲单位")
    line = parsed(camt(entry("1.00", detail(more=parties), "CRDT"))).lines[0]
    assert (line.direction, line.payee) == (IN, "本单位")


@pytest.mark.parametrize("written", ["NOTPROVIDED", "NonRef", "0", "0000", "-", "无", "ｎ/ａ", "/"])
def test_a_placeholder_is_no_number(written):
    refs = f"<Refs><AcctSvcrRef>{written}</AcctSvcrRef><InstrId>V-1</InstrId><EndToEndId>{written}</EndToEndId></Refs>"
    line = parsed(camt(entry("1.00", detail(more=refs)))).lines[0]
    assert (line.reference, line.voucher) == (None, "V-1")


@pytest.mark.parametrize(
    ("summary", "adds_up"),
    [
        ("<TtlNtries><NbOfNtries>2</NbOfNtries><Sum>4.00</Sum></TtlNtries>", True),
        ("<TtlNtries><NbOfNtries>3</NbOfNtries></TtlNtries>", False),
        ("<TtlNtries><Sum>5.00</Sum></TtlNtries>", False),
        ("<TtlNtries><TtlNetNtryAmt>2.00</TtlNetNtryAmt><CdtDbtInd>CRDT</CdtDbtInd></TtlNtries>", True),
        ("<TtlNtries><TtlNetNtry><Amt>2.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></TtlNetNtry></TtlNtries>", False),
        ("<TtlCdtNtries><NbOfNtries>1</NbOfNtries><Sum>3.00</Sum></TtlCdtNtries>", True),
        ("<TtlDbtNtries><NbOfNtries>2</NbOfNtries></TtlDbtNtries>", False),
        ("<TtlDbtNtries><Sum>x</Sum></TtlDbtNtries>", False),
    ],
)
def test_totals_that_say_more_than_there_is_are_a_contradiction(summary, adds_up):
    statement = parsed(camt(f"<TxsSummry>{summary}</TxsSummry>" + entry("1.00") + entry("3.00", direction="CRDT")))
    assert statement.adds_up is adds_up
    assert bool(statement.contradictions) is not adds_up
    assert all(where.startswith("TxsSummry") for where, _, _ in statement.contradictions)


def test_totals_may_count_notices_details_as_one_and_what_is_not_booked():
    def counted(number):
        summary = f"<TxsSummry><TtlNtries><NbOfNtries>{number}</NbOfNtries></TtlNtries></TxsSummry>"
        batch = entry("3.00", detail("1.00") + detail("2.00"))
        return parsed(camt(summary + batch + entry("0.00") + entry("9.00", status="<Cd>PDNG</Cd>"))).adds_up

    assert [counted(number) for number in (2, 3, 4)] == [True, True, False]


@pytest.mark.parametrize(
    ("balances", "adds_up"),
    [
        (balance("OPBD", "9.00") + balance("CLBD", "8.00"), True),
        (balance("PRCD", "9.00") + balance("CLBD", "8.01"), False),
        (balance("ITBD", "9.00") + balance("CLBD", "8.00"), True),
        (balance("OPBD", "9.00") + balance("ITBD", "8.00"), True),
        (balance("ITBD", "9.00") + balance("ITBD", "8.00"), True),
        (balance("OPBD", "9.00"), None),
        (balance("OPBD", "9.00") + balance("CLAV", "7.00"), None),
        (balance("OPBD", "9.00", "USD") + balance("CLBD", "9.00"), None),
        (balance("OPBD", "") + balance("CLBD", "8.00"), False),
    ],
)
def test_each_kind_of_balance_is_compared(balances, adds_up):
    assert parsed(camt(balances + entry("1.00"))).adds_up is adds_up


def test_statements_that_do_not_follow_each_other_are_a_contradiction():
    def both(second):
        first = balance("OPBD", "9.00") + balance("CLBD", "8.00") + entry("1.00")
        return parsed(
            camt(first, balance("OPBD", second) + balance("CLBD", f"{float(second) - 1:.2f}") + entry("1.00"))
        )

    assert both("8.00").adds_up is True
    assert contradictions(both("7.00")) == [
        "The opening balance is 7.00, but the statement before it closes with 8.00."
    ]
    assert both("7.00").contradictions[0][0] == "Stmt 2"


def test_a_missing_or_repeated_statement_number_is_a_contradiction():
    numbered = [f"<ElctrncSeqNb>{number}</ElctrncSeqNb>" + entry("1.00") for number in (7, 8, 8, 10)]
    assert parsed(camt(*numbered[:2])).contradictions == ()
    assert "here twice" in contradictions(parsed(camt(*numbered[1:3])))[0]
    assert "number 10 follows number 8" in contradictions(parsed(camt(*numbered[2:])))[0]


def page(number, last):
    return f"<StmtPgntn><PgNb>{number}</PgNb><LastPgInd>{last}</LastPgInd></StmtPgntn>" + entry("1.00")


@pytest.mark.parametrize(
    ("parts", "complete"),
    [
        ([page(1, "true")], True),
        ([page(1, "false")], False),
        ([page(2, "true")], False),
        ([page(1, "false"), page(2, "true")], True),
        ([page(1, "false"), page(3, "true")], False),
    ],
)
def test_missing_pages_are_a_contradiction(parts, complete):
    assert (parsed(camt(*parts)).contradictions == ()) is complete


def test_a_missing_page_of_the_message_is_a_contradiction():
    header = "<MsgPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></MsgPgntn>"
    assert "pages" in contradictions(parsed(camt(entry("1.00"), header=header)))[0]


def test_days_outside_the_stated_period_widen_it_and_are_a_contradiction():
    span = "<FrToDt><FrDtTm>2019-09-06T00:00:00</FrDtTm><ToDtTm>2019-09-30T23:59:59</ToDtTm></FrToDt>"
    statement = parsed(camt(span + entry("1.00")))
    assert (statement.first_day, statement.last_day) == (date(2019, 9, 5), date(2019, 9, 30))
    assert statement.contradictions[0][:2] == (
        "Ntry 1",
        "The file says that it begins on 2019-09-06, but this line is dated 2019-09-05.",
    )


def test_a_wrong_entry_is_named_by_its_statement():
    assert wrong(camt(entry("1.00"), entry("1.00") * 2 + entry("x")))[0][0] == "Stmt 2, Ntry 3"
    account = "<Acct><Id><Othr><Id>{}</Id></Othr></Id></Acct>".format
    assert wrong(camt(account(NUMBER), account("2")))[0][0] == "Stmt 2"


# Vouchers of the treasury ----------------------------------------------------------


def test_a_payment_without_a_day_has_that_of_its_voucher():
    undated = replace(LINE, on=date(2019, 9, 2))
    assert parsed(as_voucher([undated], day="Hold1", header="<VouDate>20190903</VouDate>")).lines[0].on.day == 3
    assert parsed(as_voucher([undated], day="ClearDate")).lines[0].on.day == 2
    one_day = "<BeginDate>20190904</BeginDate><EndDate>20190904</EndDate>"
    assert parsed(as_voucher([undated], day="Hold1", header=one_day)).lines[0].on.day == 4
    where, english, _ = wrong(as_voucher([undated], day="Hold1"))[0]
    assert where == "Detail 1"
    assert "PayDate" in english
    assert "VouDate" in english


def test_the_period_of_a_list_is_its_first_and_last_day():
    statement = parsed(as_voucher([LINE], header="<BeginDate>20190901</BeginDate><EndDate>20190930</EndDate>"))
    assert (statement.first_day, statement.last_day) == (date(2019, 9, 1), date(2019, 9, 30))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (b"<AllNum>1", b"<AllNum>2", "2 payments; it has 1"),
        (b"<AllAmt>295055.00", b"<AllAmt>295055.01", "total is 295055.01"),
        (b"<AllAmt>295055.00", b"<AllAmt>x", "not an amount"),
        (b"<VtCode>", b"<ChildPackNum>3</ChildPackNum><VtCode>", "3 packs; 1 of them"),
    ],
)
def test_what_a_list_says_of_itself_is_compared(before, after, message):
    statement = parsed(as_voucher([LINE]).replace(before, after, 1))
    assert statement.adds_up is False
    assert message in contradictions(statement)[0]


def test_a_refund_comes_in_even_if_its_amount_is_negative_and_its_details_are_only_budget_items():
    items = "<DetailList><Detail><Amt>-1.00</Amt></Detail><Detail><Amt>-2.00</Amt></Detail></DetailList>"
    refund = (
        "<Voucher><VtCode>3208</VtCode><VouDate>20190905</VouDate><VoucherNo>退1号</VoucherNo>"
        f"<PayeeAcctName>甲单位</PayeeAcctName><PayAmt>-3.00</PayAmt>{items}</Voucher>"
    )
    statement = parsed(refund.encode())
    assert (moved(statement), statement.adds_up) == ([("3.00", IN)], True)
    assert (statement.lines[0].voucher, statement.lines[0].payee) == ("退1号", "甲单位")
    assert parsed(refund.replace("-2.00", "-2.01").encode()).adds_up is False


def test_a_negative_payment_of_a_list_comes_back():
    content = as_voucher([LINE, replace(LINE, amount=Money(100))]).replace(b"<PayAmt>1.00", b"<PayAmt>-1.00")
    statement = parsed(content.replace(b"<AllAmt>295056.00", b"<AllAmt>295054.00"))
    assert moved(statement) == [("295055.00", OUT), ("1.00", IN)]
    assert statement.adds_up is True


def test_a_container_holds_several_vouchers_as_xml_or_in_base64():
    first, second = (as_voucher([each], encoding="utf-8").partition(b"\n")[2] for each in (LINE, SECOND))
    packed = b"<Voucher>" + base64.b64encode(as_voucher([SECOND])) + b"</Voucher>"
    for other in (second, packed):
        statement = parsed(
            b"<MOF><VoucherBody>" + first + b"</VoucherBody><VoucherBody>" + other + b"</VoucherBody></MOF>"
        )
        assert statement.rows == ("Voucher 1, Detail 1", "Voucher 2, Detail 1")
        assert [line.payee for line in statement.lines] == [LINE.payee, SECOND.payee]
    assert "Base64" in wrong(b"<MOF><Voucher>x</Voucher></MOF>")[0][1]


def test_packs_of_a_list_may_state_the_total_of_all():
    packs = b"".join(as_voucher([each], encoding="utf-8").partition(b"\n")[2] for each in (LINE, SECOND))
    total = re.sub(rb"<AllNum>1</AllNum><AllAmt>[0-9.]+", b"<AllNum>2</AllNum><AllAmt>295355.00", packs)
    assert parsed(b"<MOF>" + total + b"</MOF>").adds_up is True
    assert parsed(b"<MOF>" + packs + b"</MOF>").adds_up is True


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (as_voucher([LINE], kind="5106"), "type '5106' is not a statement"),
        (b"<MOF></MOF>", "is not a statement"),
        (as_voucher([LINE]).replace(b"CNY", b"USD"), "not CNY"),
        (as_voucher([LINE]).replace(b"<PayAmt>295055.00", b"<PayAmt>"), "amount is missing"),
        (as_voucher([LINE]).replace(b"20190905", b"20190931"), "not a date"),
    ],
)
def test_a_voucher_that_is_not_a_statement_is_refused(content, message):
    assert message in wrong(content)[0][1]


# MT940 -----------------------------------------------------------------------------


def mt940(*fields, opening="C190831CNY9,00", closing="C190930CNY8,00"):
    balances = ([f":60F:{opening}"] if opening else [], [f":62F:{closing}"] if closing else [])
    return "\n".join([":20:X", ":25:6200", ":28C:7/1", *balances[0], *fields, *balances[1]]).encode()


def test_a_booking_day_is_the_entry_date_in_the_nearest_year():
    for written, day in (
        ("1909050906", date(2019, 9, 6)), ("190905", date(2019, 9, 5)), ("1912310102", date(2020, 1, 2)),
        ("2001021231", date(2019, 12, 31)),
    ):  # fmt: skip
        assert (
            parsed(mt940(f":61:{written}D1,00NTRFNONREF", ":34F:CNYD0,", opening=None, closing=None)).lines[0].on == day
        )


@pytest.mark.parametrize(("mark", "direction"), [("C", IN), ("D", OUT), ("RC", OUT), ("RD", IN), ("DY", OUT)])
def test_reversals_have_the_other_direction(mark, direction):
    assert moved(parsed(mt940(f":61:190905{mark}1,NTRFNONREF"))) == [("1.00", direction)]


@pytest.mark.parametrize(
    "written",
    [
        "D300.505NTRFX",
        "D1.300,50NTRFX",
        "D300,505NTRFX",
        "D,50NTRFX",
        "X1,00NTRFX",
        "D1,00",
        "D１,00NTRFX",
        "D1 00NTRFX",
    ],
)
def test_an_amount_that_is_not_exact_is_refused_with_its_line(written):
    assert wrong(mt940(f":61:190905{written}"))[0][0] == "line 5"


def test_a_damaged_field_is_refused_with_its_line():
    for written in ("61:190905D1,00NTRFX", ":61 :190905D1,00NTRFX", " :61:190905D1,00NTRFX", ":67:190905D1,00NTRFX"):
        assert wrong(mt940(":61:190905D1,00NTRFX", ":86:摘要", written))[0][0] == "line 7"


def test_details_are_read_in_every_usual_form():
    for written, payee, summary in (
        (":86:166?00转账?20拨付?21款?32甲?33公司", "甲公司", "拨付款"),
        (":86:/NAME/甲公司/REMI/拨付款", "甲公司", "拨付款"),
        (":86:拨付款", None, "拨付款"),
        (":86:拨付\n款", None, "拨付 款"),
    ):
        line = parsed(mt940(":61:190905D1,00NTRFNONREF//-", written)).lines[0]
        assert (line.payee, line.summary, line.reference, line.voucher) == (payee, summary, None, None)


def test_the_days_of_a_statement_follow_from_its_balances():
    line = ":61:190905D1,00NTRFNONREF"
    assert parsed(mt940(line)).first_day == date(2019, 9, 1)
    assert parsed(mt940(line)).last_day == date(2019, 9, 30)
    assert parsed(mt940(line, opening="C190905CNY9,00")).first_day == date(2019, 9, 5)


def test_balances_of_a_message_and_of_the_next_are_compared():
    line = ":61:190905D1,00NTRFNONREF"
    first = mt940(line)
    after = mt940(line, opening="C190930CNY8,00", closing="C191031CNY7,00").replace(b"7/1", b"8/1")
    assert parsed(first).adds_up is True
    assert parsed(mt940(line, line)).adds_up is False
    both = parsed(after + b"\n-}\n" + first)
    assert both.adds_up is True
    assert "closes with 8.00" in contradictions(parsed(first + b"\n" + after.replace(b"CNY8,00", b"CNY6,00")))[-1]
    assert "other pages" in contradictions(parsed(first.replace(b":62F:", b":62M:")))[0]


def test_what_is_only_expected_or_zero_is_skipped():
    statement = parsed(mt940(":61:190905D1,00NTRFX", ":61:190905EC5,00NTRFX", ":61:190905C0,00NCHGX"))
    assert moved(statement) == [("1.00", OUT)]
    assert [where for where, _ in statement.skipped] == ["line 6", "line 7"]


def test_an_mt942_is_compared_with_its_sums():
    line = ":61:190905D1,00NTRFNONREF"
    for stated, adds_up in ((":90D:1CNY1,00", True), (":90D:2CNY1,00", False), (":90D:1CNY1,01", False)):
        statement = parsed(mt940(line, stated, opening=None, closing=None))
        assert (statement.form, statement.adds_up) == ("mt942", adds_up)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (mt940(opening="C190831USD9,00"), "must be in CNY"),
        (mt940(opening=None, closing=None), "not stated"),
        (mt940(":61:190905D1,00NTRFX", opening="190831CNY9,00"), "balance cannot be read"),
        (mt940() + b"\n" + mt940().replace(b":25:6200", b":25:" + NUMBER.encode()), "one account"),
        (b":25:6200\n:20:X", "must begin"),
        (mt940(":61:190231D1,00NTRFX"), "not a date"),
        (mt940(":61:1909051340D1,00NTRFX"), "not a month and a day"),
    ],
)
def test_a_message_that_is_not_a_statement_in_yuan_is_refused(content, message):
    assert any(message in english for _, english, _ in wrong(content))


# OFX -------------------------------------------------------------------------------


def ofx(amount="-1.00", day="20190905", more="", extra="", kind="OTHER"):
    transaction = f"<STMTTRN><TRNTYPE>{kind}<DTPOSTED>{day}<TRNAMT>{amount}<FITID>1{more}</STMTTRN>"
    return as_ofx([], extra=extra).replace(b"</BANKTRANLIST>", f"{transaction}</BANKTRANLIST>".encode())


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("20190905", 5), ("20190905235959", 5), ("20190905200000[-5:EST]", 6), ("20190905180000.000[0:GMT]", 6),
        ("201909052000[+8:CST]", 5), ("20190905190000[+5.30]", 5),
    ],
)  # fmt: skip
def test_the_day_of_a_transaction_is_that_of_shanghai(written, day):
    assert parsed(ofx(day=written)).lines[0].on == date(2019, 9, day)


@pytest.mark.parametrize(("amount", "fen"), [("-1.5", -150), ("+1,50", 150), ("1", 100)])
def test_the_sign_of_an_amount_is_its_direction(amount, fen):
    assert signed(parsed(ofx(amount)).lines[0]) == fen


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (ofx("1,234"), "not an amount"),
        (ofx(""), "not an amount"),
        (ofx("9" * 15), "too large"),
        (ofx("1.00", kind="DEBIT"), "contradicts TRNTYPE"),
        (ofx(day="yesterday"), "not a date"),
        (ofx(more="<CURRENCY><CURRATE>7<CURSYM>USD</CURRENCY>"), "not CNY"),
        (ofx().replace(b"<CURDEF>CNY", b"<CURDEF>USD"), "not CNY"),
        (ofx().replace(b"</STMTTRN>", b""), "has no end"),
        (ofx().replace(b"</STMTTRN>", b"<STMTTRN>"), "has no end"),
        (b"<OFX></OFX>", "bank statements"),
    ],
)
def test_a_file_that_is_not_a_statement_in_yuan_is_refused(content, message):
    assert message in wrong(content)[0][1]


def test_the_program_s_own_number_is_no_reference_but_may_not_come_twice():
    assert parsed(ofx()).lines[0].reference is None
    twice = ofx().replace(b"</BANKTRANLIST>", b"<STMTTRN><DTPOSTED>20190906<TRNAMT>-1<FITID>1</STMTTRN></BANKTRANLIST>")
    assert "FITID" in contradictions(parsed(twice))[0]


def test_the_ledger_balances_of_several_statements_are_compared():
    def both(second):
        ledger = "<LEDGERBAL><BALAMT>{}<DTASOF>20190930</LEDGERBAL>".format
        one, other = ofx(extra=ledger("9.00")), ofx(extra=ledger(second)).replace(b"<FITID>1", b"<FITID>2")
        statement = other[other.index(b"<STMTRS>") : other.index(b"</STMTTRNRS>")]
        return parsed(one.replace(b"</STMTTRNRS>", statement + b"</STMTTRNRS>"))

    assert [both(second).adds_up for second in ("8.00", "8.01")] == [True, False]
    assert both("8.00").rows == ("STMTRS 1, STMTTRN 1", "STMTRS 2, STMTTRN 1")


def test_what_is_pending_or_zero_is_skipped():
    pending = "<BANKTRANLISTP><STMTTRNP><TRNAMT>-5.00<NAME>甲</STMTTRNP></BANKTRANLISTP>"
    statement = parsed(ofx("0.00", extra=pending), (date(2019, 9, 1), date(2019, 9, 30)))
    assert [where for where, _ in statement.skipped] == ["STMTTRN 1", "STMTTRNP 1"]
    assert statement.lines == ()


# All of them -----------------------------------------------------------------------


@pytest.mark.parametrize("form", CHECKED)
def test_columns_cannot_be_given_for_a_format_without_columns(form):
    assert "no columns" in wrong(CHECKED[form](), date="x")[0][1]


@pytest.mark.parametrize("form", CHECKED)
def test_the_sandbox_reads_the_same(form):
    content = CHECKED[form]()
    assert read_in_sandbox(content, Choices(), account_of) == parsed(content)


def test_no_message_has_an_account_number():
    for content in (
        ofx(NUMBER), ofx(day=NUMBER), mt940(f":61:{NUMBER}"), camt(entry(NUMBER + "0")),
        f"<a{NUMBER}/>".encode(), as_voucher([LINE], kind=NUMBER),
    ):  # fmt: skip
        assert wrong(content)


@pytest.mark.parametrize("content", [b"<rss/>", b"<?xml version='1.0'?><!-- x --><a:Invoice xmlns:a='b'/>"])
def test_another_document_is_refused_with_its_root_element(content):
    assert re.search("root element is (rss|Invoice)", wrong(content)[0][1])


@pytest.mark.parametrize("content", [b"<!DOCTYPE html><html></html>", b"<table></table>", b"<Workbook></Workbook>"])
def test_sheets_in_markup_are_read_as_sheets(content):
    assert "root element" not in wrong(content)[0][1]
