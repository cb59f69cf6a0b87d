"""Bank statements are read exactly to the fen in every file format, or refused with the place and the reason."""

import io
import re
import resource
import zipfile
from contextlib import suppress
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from openpyxl import Workbook

from domain.fund.reconciliation import Direction
from domain.money import Money
from domain.state.entities import BankAccount
from domain.tie_out import Line
from service.api.posting.fields import Party
from service.example import STATEMENT
from service.statements import Choices, StatementWrong, cells
from service.statements import read as read_in_sandbox
from service.statements.reader import read
from service.statements.sheets import MAX_ROWS
from tests.service.statement_files import HEADINGS, TITLE, as_camt, as_csv, as_xlsx, saved

IN, OUT = Direction.IN, Direction.OUT
LINE = Line(date(2019, 9, 5), OUT, Money(29505500), "示例8号项目乙单位", None, "R-1", "V-1", 1, "拨付")


def account_of(number):
    return BankAccount(number[-4:], f"digest of {number}")


def parsed(content, days=(None, None), negative=None, **columns):
    return read(content, Choices(columns, negative), account_of, days)


def wrong(content, **given):
    with pytest.raises(StatementWrong) as refused:
        parsed(content, **given)
    for _, english, chinese in refused.value.errors:
        assert re.search("[a-z]", english)
        assert re.search("[\u4e00-\u9fff]", chinese)
    return refused.value.errors


def sheet(*rows, headings="日期,支出,收入,收款人"):
    return "\n".join([headings, *rows]).encode()


NAMES = st.text(st.sampled_from("甲乙丙公司A b()（）·&<"), max_size=8).map(lambda text: " ".join(text.split()) or None)
NUMBERS = st.none() | st.from_regex(r"[A-Z]{1,3}-[0-9]{1,6}", fullmatch=True)
LINES = st.lists(
    st.builds(
        Line,
        st.dates(date(2019, 1, 1), date(2019, 12, 31)),
        st.sampled_from(Direction),
        st.integers(1, 10**13).map(Money),
        NAMES,
        st.none() | st.from_regex(r"62[0-9]{17}", fullmatch=True),
        NUMBERS,
        NUMBERS,
        st.just(0),
        NAMES,
    ),
    min_size=1,
    max_size=6,
).map(lambda lines: [replace(line, number=number) for number, line in enumerate(lines, 1)])
FORMS = {
    "csv": as_csv,
    "gbk": lambda lines: as_csv(lines, "gbk"),
    "with a byte order mark": lambda lines: as_csv(lines, "utf-8-sig"),
    "tabs": lambda lines: as_csv(lines, delimiter="\t"),
    "xlsx": as_xlsx,
    "xlsx of text": lambda lines: as_xlsx(lines, numbers=False),
    "camt.053": as_camt,
    "camt.053 of 2009": lambda lines: as_camt(lines, namespace="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"),
}


@pytest.mark.parametrize("form", FORMS)
@given(LINES)
@settings(max_examples=40)
def test_every_file_format_is_read_to_the_same_lines(form, lines):
    statement = parsed(FORMS[form](lines))
    expected = [replace(line, account=line.account and account_of(line.account)) for line in lines]
    assert list(statement.lines) == expected


def test_the_example_is_in_gbk_and_its_balances_add_up():
    content = STATEMENT.read_bytes()
    statement = parsed(content)
    assert (statement.form, statement.encoding, statement.adds_up) == ("csv", "gb18030", True)
    assert (statement.first_day, statement.last_day) == (date(2019, 9, 1), date(2019, 9, 30))
    assert statement.columns["out"] == "借方发生额"
    assert statement.skipped == (("row 18", "合计 9,029,991.00 300,000.00"),)
    assert statement.rows[0] == "row 3"
    assert statement.total(OUT) == Money.parse("9029991.00")
    with pytest.raises(UnicodeDecodeError):
        content.decode("utf-8")


def test_each_camt_detail_with_an_amount_is_a_line():
    detail = '<TxDtls><Refs><AcctSvcrRef>{}</AcctSvcrRef></Refs><Amt Ccy="CNY">{}</Amt></TxDtls>'
    entry = (
        '<Ntry><Amt Ccy="CNY">3.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts><ValDt><Dt>2019-09-05</Dt></ValDt>'
        "<NtryDtls>{}</NtryDtls></Ntry>"
    )
    each = parsed(as_camt([], entry.format(detail.format("a", "1.00") + detail.format("b", "2.00"))))
    assert [(line.number, line.reference, str(line.amount)) for line in each.lines] == [
        (1, "a", "1.00"),
        (2, "b", "2.00"),
    ]
    whole = parsed(as_camt([], entry.format(detail.format("a", "1.00") + detail.format("b", "2.01"))))
    assert [str(line.amount) for line in whole.lines] == ["3.00"]


def test_a_pending_camt_entry_is_not_a_line():
    pending = as_camt([LINE]).replace(b"<Cd>BOOK</Cd>", b"<Cd>PDNG</Cd>")
    assert parsed(pending, (date(2019, 9, 1), date(2019, 9, 30))).lines == ()


@pytest.mark.parametrize(("closing", "adds_up"), [("704945.00", True), ("704945.01", False)])
def test_camt_balances_are_compared_with_the_lines(closing, adds_up):
    balance = '<Bal><Tp><CdOrPrtry><Cd>{}</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">{}</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>'
    stated_balances = balance.format("OPBD", "1000000.00") + balance.format("CLBD", closing)
    assert parsed(as_camt([LINE], stated_balances)).adds_up is adds_up
    assert parsed(as_camt([LINE])).adds_up is None


def test_camt_statements_of_one_account_are_merged_and_of_two_accounts_are_refused():
    account = "<Acct><Id><Othr><Id>1</Id></Othr></Id></Acct>"
    one = as_camt([LINE], account).decode()
    stated = one[one.index("<Stmt>") : one.index("</BkToCstmrStmt>")]
    both = parsed(one.replace(stated, stated * 2).encode())
    assert [line.number for line in both.lines] == [1, 2]
    assert both.rows == ("Stmt 1, Ntry 1", "Stmt 2, Ntry 1")
    other = stated.replace("<Id>1</Id></Othr></Id></Acct>", "<Id>2</Id></Othr></Id></Acct>")
    assert "one account" in wrong(one.replace(stated, stated + other).encode())[0][1]


def test_the_days_of_a_camt_statement_are_its_stated_period():
    span = "<FrToDt><FrDtTm>2019-09-02T00:00:00</FrDtTm><ToDtTm>2019-09-20T23:59:59</ToDtTm></FrToDt>"
    statement = parsed(as_camt([LINE], span))
    assert (statement.first_day, statement.last_day) == (date(2019, 9, 2), date(2019, 9, 20))


def test_a_sheet_covers_the_whole_months_of_its_lines_unless_days_are_given():
    content = sheet("2019-09-05,1.00,,甲", "2019-10-06,1.00,,甲")
    assert (parsed(content).first_day, parsed(content).last_day) == (date(2019, 9, 1), date(2019, 10, 31))
    first = parsed(content, (date(2019, 9, 5), None))
    assert (first.first_day, first.last_day) == (date(2019, 9, 5), date(2019, 10, 31))


@pytest.mark.parametrize(
    ("days", "message"),
    [
        ((date(2019, 9, 6), None), "A line is dated 2019-09-05"),
        ((None, date(2019, 9, 4)), "A line is dated 2019-09-05"),
        ((date(2019, 10, 1), date(2019, 9, 30)), "not a period"),
        ((date(2018, 1, 1), date(2019, 12, 31)), "not a period"),
    ],
)
def test_days_that_do_not_fit_the_lines_are_refused(days, message):
    with pytest.raises(StatementWrong) as refused:
        parsed(sheet("2019-09-05,1.00,,甲"), days)
    assert message in refused.value.errors[0][1]


def test_a_statement_without_lines_requires_its_days():
    assert parsed(sheet(), (date(2019, 9, 1), date(2019, 9, 30))).lines == ()
    assert "specify its first and last day" in wrong(sheet())[0][1]


@pytest.mark.parametrize(
    "written",
    [
        "2019-09-05", "2019/9/5", "2019.09.05", "20190905", "2019年9月5日", "2019-09-05 10:22:33", "２０１９-９-５",
        "2019-09-05T10:22:33", 20190905, 20190905.0, date(2019, 9, 5), datetime.fromisoformat("2019-09-05T10:00:00"),
    ],
)  # fmt: skip
def test_a_day_is_read_in_every_supported_notation(written):
    assert cells.day(written) == date(2019, 9, 5)


@pytest.mark.parametrize(
    "written", ["", None, "5.9.2019", "2019-13-01", "2019-02-30", "昨天", 43713, True, "1900-01-01"]
)
def test_an_invalid_day_is_refused(written):
    with pytest.raises(cells.Wrong):
        cells.day(written)


@pytest.mark.parametrize(
    ("written", "fen"),
    [
        ("1,020,000.00", 102000000),
        ("1020000", 102000000),
        ("0.5", 50),
        ("¥12.30元", 1230),
        ("人民币 12.30", 1230),
        ("１２．３０", 1230),
        ("12.3000", 1230),
        ("-12.30", -1230),
        ("(12.30)", -1230),
        ("", 0),
        ("-", 0),
        (None, 0),
        (12, 1200),
        (12.3, 1230),
        (1020000.1, 102000010),
        (0.1 + 0.2, 30),  # a spreadsheet shows 0.3
    ],
)
def test_an_amount_is_read_to_the_fen(written, fen):
    assert cells.amount(written) == fen


@pytest.mark.parametrize(
    "written",
    ["12.345", "1e3", "1_000", "12,34.00", "1.020.000,00", "NaN", "十元", 12.345, True, "12.30 USD", "1" * 20, 1e300],
)
def test_an_invalid_amount_is_refused_and_never_rounded(written):
    with pytest.raises(cells.Wrong):
        cells.amount(written)


@given(st.integers(0, 10**13))
def test_an_amount_stored_as_a_float_is_read_exactly(fen):
    assert cells.amount(float(f"{fen // 100}.{fen % 100:02}")) == fen


def test_a_number_beyond_the_precision_of_a_spreadsheet_is_not_used():
    assert cells.number(6.2e17) is None
    assert cells.number(620000000000080001) is None
    assert cells.number("620000000000080001") == "620000000000080001"
    assert cells.number(1024) == "1024"
    assert cells.account(620000000000080001, account_of) is None


def test_the_last_digits_of_a_masked_account_are_kept():
    assert cells.account("6200****0001", account_of) == BankAccount("0001", "")
    assert cells.account("6200 0000-0000 080001", account_of) == account_of("620000000000080001")
    assert cells.account("见附件", account_of) is None


def test_account_numbers_in_names_and_summaries_are_masked():
    assert cells.name("甲公司 620000000000080001") == "甲公司 ****0001"
    for written in ("转 6200 0000 0000 0800 01 账户", "6" * 40, "6200-0000-0000-0800-01"):
        assert not Party.NUMBER.search(cells.name(written))


def test_headings_below_titles_and_with_units_are_found():
    content = sheet("2019-09-05,1.00,,甲", headings="账户 1\n\n日期,借方发生额（元）,贷方发生额(元),对方户名")
    assert parsed(content).columns == {
        "date": "日期",
        "out": "借方发生额（元）",
        "in": "贷方发生额(元)",
        "payee": "对方户名",
    }


def test_unknown_headings_are_refused_unless_columns_are_given():
    content = sheet("2019-09-05,1.00,,甲", headings="Tag,Soll,Haben,Name")
    assert "headings" in wrong(content)[0][1]
    named = parsed(content, date="tag", out="Soll", payee="Name", **{"in": "Haben"})
    assert named.lines[0].payee == "甲"
    assert "Nirgends" in wrong(content, date="Tag", out="Nirgends")[0][1]


def test_one_amount_column_with_a_direction_column_is_sufficient():
    content = sheet("2019-09-05,1.00,借", "2019-09-06,2.00,贷", "2019-09-07,-3.00,借", headings="日期,金额,借贷标志")
    assert [(line.direction, str(line.amount)) for line in parsed(content).lines] == [
        (OUT, "1.00"), (IN, "2.00"), (IN, "3.00")
    ]  # fmt: skip
    assert wrong(sheet("2019-09-05,1.00,东", headings="日期,金额,借贷标志"))[0][0] == "row 2, column C"


def test_amounts_in_ten_thousands_are_refused():
    assert wrong(sheet("2019-09-05,1.00,,甲", headings="日期,支出(万元),收入(万元),收款人"))[0][0] == "row 1, column B"


def test_every_wrong_cell_is_reported_with_its_place_up_to_20():
    content = sheet("2019-09-05,1.00,,甲", "昨天,x,,乙", "2019-09-05,1.00,2.00,丙", "2019-09-05,,,丁")
    assert [where for where, _, _ in wrong(content)] == [
        "row 3, column A", "row 3, column B", "row 4, column B", "row 5, column B",
    ]  # fmt: skip
    assert len(wrong(sheet(*["x,1.00,,甲"] * 100))) == 20


def test_total_rows_are_reported_as_skipped_and_unreadable_rows_are_refused():
    content = sheet("承前页,,,", "2019-09-05,1.00,,甲", ",,,", "合计,1.00,,")
    assert [row for row, _ in parsed(content).skipped] == ["row 2", "row 5"]
    assert wrong(sheet("2019-09-05,1.00,,甲", "其他,1.00,,"))[0][0] == "row 3, column A"


@pytest.mark.parametrize(
    ("balances", "adds_up"),
    [
        (("99.00", "97.00", "100.00"), True),
        (("99.00", "97.01", "100.00"), False),
        (("99.00", "", "100.00"), True),
        (("99.00", "", "100.01"), False),
        (("", "", "100.00"), None),
    ],
)
def test_balances_are_compared_with_the_lines_in_both_orders(balances, adds_up):
    rows = [("2019-09-05", "1.00", ""), ("2019-09-05", "2.00", ""), ("2019-09-06", "", "3.00")]
    written = [",".join([*row, balance]) for row, balance in zip(rows, balances, strict=True)]
    for order in (written, written[::-1]):
        assert parsed(sheet(*order, headings="日期,支出,收入,余额")).adds_up is adds_up


def test_an_amount_with_unquoted_thousands_separators_is_refused():
    assert wrong(sheet("2019-09-01,甲,1,020,000.00", headings="日期,收款人,金额"))[0][0] in (
        "row 2, column D",
        "row 2, column C",
    )
    assert wrong(sheet("2019-09-01,甲,300,000.00", headings="日期,收款人,借方,贷方"))[0][0] == "row 2, column D"


def test_a_total_with_a_day_is_not_a_line():
    content = sheet(
        "2019-09-05,拨付,100.00,,900.00", "2019-09-30,本月合计,100.00,,900.00", "2019-09-30,本年累计,800.00,,900.00",
        headings="日期,摘要,借方,贷方,余额",
    )  # fmt: skip
    statement = parsed(content)
    assert [str(line.amount) for line in statement.lines] == ["100.00"]
    assert [row for row, _ in statement.skipped] == ["row 3", "row 4"]


def test_a_row_that_only_begins_like_a_total_is_read_or_refused():
    headings = "摘要,日期,支出"
    assert len(parsed(sheet("本年度补助,2019-09-30,500", "本月工资,2019-09-30,500", headings=headings)).lines) == 2
    assert wrong(sheet("本年度补助,2019-9-31,500", headings=headings))[0][0] == "row 2, column B"


def test_headings_that_differ_only_in_brackets_are_different():
    content = sheet("2019-09-05,甲,100,", headings="日期,收款人,金额(收入),金额(支出)")
    for statement in (parsed(content), parsed(content, out="金额(支出)", **{"in": "金额(收入)"})):
        assert [line.direction for line in statement.lines] == [IN]
    other = sheet("2019-09-05,甲,100,", headings="日期,收款人,金额(原币),金额(本币)")
    assert "headings" in wrong(other)[0][1]


def test_a_duplicate_heading_is_refused():
    assert "two columns" in wrong(sheet("2019-09-05,1,2", headings="日期,金额,金额"))[0][1]
    assert "two columns" in wrong(sheet("2019-09-05,1", headings="日期,金额"), reference="金额")[0][1]


def test_a_given_column_takes_precedence_over_usual_headings():
    content = sheet("2019-09-05,5,借,100", headings="日期,收入,标志,本次")
    statement = parsed(content, amount="本次", direction="标志")
    assert [(line.direction, str(line.amount)) for line in statement.lines] == [(OUT, "100.00")]


@pytest.mark.parametrize(
    "content",
    [
        sheet("2019-09-05,1", headings="单位：万元\n日期,金额"),
        sheet("2019-09-05,1", headings="日期,金额(千元)"),
        sheet("2019-09-05,1,USD", headings="日期,金额,币种"),
    ],
    ids=["above the headings", "in a heading", "in a column"],
)
def test_amounts_that_are_not_in_yuan_are_refused(content):
    assert "in yuan" in wrong(content)[0][1]


@pytest.mark.parametrize(
    "above",
    ["1000万元专项资金对账单", "Museum of Europe", "金额单位：元", "备注：另有 3 亿元"],
    ids=["title", "name", "yuan", "note"],
)
def test_text_above_the_headings_is_a_unit_only_if_it_is_labelled_as_one(above):
    assert parsed(sheet("2019-09-05,1", headings=f"{above}\n日期,支出")).lines


@pytest.mark.parametrize("summary", ["结余", "上年结转", "余额"])
def test_a_row_with_an_amount_is_a_line_even_if_its_summary_is_a_balance_word(summary):
    headings = "日期,摘要,支出,余额"
    statement = parsed(sheet(f"2019-09-05,{summary},100.00,900.00", f",{summary},,1000.00", headings=headings))
    assert [str(line.amount) for line in statement.lines] == ["100.00"]
    assert [row for row, _ in statement.skipped] == ["row 3"]


def test_a_payee_named_like_a_total_is_accepted():
    assert parsed(sheet("2019-09-05,1,,Total")).lines[0].payee == "Total"


def test_a_currency_column_with_yuan_is_accepted():
    assert parsed(sheet("2019-09-05,1,人民币", "2019-09-05,1,CNY", headings="日期,支出,币种")).lines


@pytest.mark.parametrize("written", ["5000①", "5000²", "⑽", "1000\n2000", "12 34.00", "000.00", "020", "9" * 5_000])
def test_text_that_resembles_an_amount_is_refused(written):
    with pytest.raises(cells.Wrong):
        cells.amount(written)


def test_a_direction_under_an_unknown_heading_is_found_by_its_words():
    content = sheet("2019-09-05,1,收", "2019-09-06,2,支", headings="日期,金额,去向")
    for statement in (parsed(content), parsed(content, direction="去向")):
        assert [line.direction for line in statement.lines] == [IN, OUT]
        assert (statement.columns["direction"], statement.direction_by) == ("去向", "column")


def test_two_columns_of_directions_that_differ_are_asked_about():
    content = sheet("2019-09-05,1,收,支", "2019-09-06,2,支,支", headings="日期,金额,去向,类别")
    assert wrong(content)[0][0] == "row 1, column D"
    assert [line.direction for line in parsed(content, direction="类别").lines] == [OUT, OUT]


def test_camt_times_are_converted_to_shanghai():
    time = as_camt([LINE]).replace(b"<Dt>2019-09-05</Dt>", b"<DtTm>2019-09-30T16:30:00Z</DtTm>")
    assert parsed(time).lines[0].on == date(2019, 10, 1)
    span = "<FrToDt><FrDtTm>2019-08-31T16:00:00Z</FrDtTm><ToDtTm>2019-09-30T15:59:59Z</ToDtTm></FrToDt>"
    statement = parsed(as_camt([LINE], span))
    assert (statement.first_day, statement.last_day) == (date(2019, 9, 1), date(2019, 9, 30))


def test_two_days_in_one_cell_are_refused():
    with pytest.raises(cells.Wrong):
        cells.day("2019-09-30 2019-10-05")


@pytest.mark.parametrize("encoding", ["GBK", "gb2312", "GB18030"])
def test_camt_in_a_chinese_encoding_is_read(encoding):
    written = as_camt([LINE]).decode().replace('encoding="UTF-8"', f'encoding="{encoding}"').encode("gb18030")
    assert parsed(written).lines[0].payee == LINE.payee
    assert "not valid XML" in wrong(as_camt([LINE]).replace(b"UTF-8", b"UTF-7"))[0][1]


def test_a_workbook_with_several_statements_is_refused():
    workbook = Workbook()
    workbook.active.append(["封面"])
    for name in ("一月", "二月"):
        each = workbook.create_sheet(name)
        for row in (HEADINGS, ("2019-09-05", "1.00", "", "甲")):
            each.append(row)
    assert "several statements" in wrong(saved(workbook))[0][1]
    del workbook["二月"]
    assert parsed(saved(workbook)).lines[0].payee == "甲"


def test_tabs_after_cells_do_not_separate_columns():
    assert parsed("日期,流水号,支出\n2019-09-05\t,1\t,1.00\t\n".encode()).lines[0].reference == "1"


def test_a_reference_that_a_spreadsheet_has_rounded_is_dropped():
    assert cells.number("1.23E+17") is None
    assert cells.number("1E5") == "1E5"


@pytest.mark.parametrize("masked", ["6200****0001", "6200XXXXXXXX0001", "**0001"])
def test_every_usual_mask_of_an_account_is_recognised(masked):
    assert cells.account(masked, account_of) == BankAccount("0001", "")


def test_days_outside_1949_to_2199_are_refused():
    for first in (date(1, 1, 1), date(9999, 12, 1)):
        with pytest.raises(StatementWrong, match="1949 to 2199"):
            parsed(sheet(), (first, first))


def test_a_sum_above_the_largest_amount_is_refused():
    assert "too large" in wrong(sheet(*["2019-09-05,600000000000.00,,甲"] * 2))[0][1]


NUMBER = "6222021234567890123"


@pytest.mark.parametrize(
    "content",
    [
        sheet(f"{NUMBER},1,,甲"),
        sheet(f"2019-09-05,{NUMBER},,甲"),
        sheet(f"2019-09-05,1,{NUMBER}", headings="日期,金额,借贷标志"),
        sheet("2019-09-05,1," + NUMBER * 9, headings="日期,金额,流水号"),
    ],
)
def test_errors_contain_no_account_number(content):
    assert not any(Party.NUMBER.search(each) for error in wrong(content) for each in error)


@pytest.mark.parametrize("between", ["", " ", ".", "-", "–", "_", " - ", "  "])
def test_an_account_number_with_any_separators_is_masked(between):
    parted = between.join(NUMBER[at : at + 4] for at in range(0, 19, 4))
    assert not Party.NUMBER.search(cells.name(f"甲{parted}"))
    statement = parsed(sheet("2019-09-05,1,,甲", f"合计,1,账号{parted},"))
    assert not any(Party.NUMBER.search(text) for _, text in statement.skipped)


@given(st.text(max_size=60))
def test_a_cleaned_name_can_be_posted(text):
    with suppress(cells.Wrong):
        if cleaned := cells.name(text):
            assert Party().deserialize(cleaned) == cleaned


def sandboxed(content, **columns):
    return read_in_sandbox(content, Choices(columns), account_of)


def test_the_sandbox_returns_the_same_result():
    for content in (STATEMENT.read_bytes(), as_xlsx([LINE]), as_camt([replace(LINE, account="620000000000080001")])):
        assert sandboxed(content) == parsed(content)
    with pytest.raises(StatementWrong, match="not a date"):
        sandboxed(sheet("昨天,1,,甲"))


def cells_of(cell, rows=1):
    return f"<row>{cell}</row>" * rows


def workbook_of(rows, shared="", styles=""):
    spreadsheet = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    file = io.BytesIO(as_xlsx([LINE]))
    parts = {
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{spreadsheet}"><sheetData>{rows}</sheetData></worksheet>',
        **({"xl/sharedStrings.xml": shared} if shared else {}),
        **({"xl/styles.xml": f'<styleSheet xmlns="{spreadsheet}">{styles}</styleSheet>'} if styles else {}),
    }
    with zipfile.ZipFile(file) as given:
        content = {each: given.read(each) for each in given.namelist()}
    return packed(**{**content, **parts})


BOMBS = {
    "a row of five million cells": lambda: workbook_of(cells_of("<c/>" * 5_000_000)),
    "400,000 styles": lambda: workbook_of("", styles=f"<cellXfs>{'<xf/>' * 400_000}</cellXfs>"),
    "an entity expansion": lambda: workbook_of("", shared=(
        '<!DOCTYPE sst [<!ENTITY a "' + "x" * 10_000_000 + '">]><sst xmlns="http://schemas.openxmlformats.org/'
        'spreadsheetml/2006/main">' + "<si><t>&a;</t></si>" * 95 + "</sst>")),
    "eight million lines": lambda: b"\n" * 8_000_000,
    "eight million commas": lambda: b"," * 8_000_000,
    "200,000 combining marks": lambda: sheet("a" + "\u0301\u0316" * 100_000),
    "2.7 million elements": lambda: b"<a>" * 2_700_000,
    "an account of 400,000 X": lambda: sheet("2019-09-01,1," + "X" * 400_000 + "!", headings="日期,金额,对方账号"),
}  # fmt: skip


SLOW = pytest.mark.long("runs until its time limit")
SLOW_BOMBS = ("a row of five million cells", "400,000 styles")


@pytest.mark.parametrize("bomb", [pytest.param(each, marks=SLOW if each in SLOW_BOMBS else ()) for each in BOMBS])
def test_a_malicious_file_is_refused_within_13_seconds_of_processor_time(bomb):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    with pytest.raises(StatementWrong):
        sandboxed(BOMBS[bomb]())
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 13


def test_a_workbook_with_a_damaged_byte_is_read_or_refused():
    content = as_xlsx([LINE])
    for at in range(30, len(content), len(content) // 12):
        damaged = bytearray(content)
        damaged[at] ^= 0xFF
        with suppress(StatementWrong):
            assert sandboxed(bytes(damaged)).lines is not None


def packed(**files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def entity(kind):
    return as_camt([LINE]).replace(b"<Document", f"<!DOCTYPE Document [{kind}]><Document".encode(), 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "headings"),
        (b"\xff\xfe\x00", "neither UTF-8 nor GBK"),
        (b"PK\x03\x04 and nothing", "not a valid workbook"),
        (packed(x="1"), "not a valid workbook"),
        (packed(x=b"0" * (65 * 1024 * 1024)), "too large"),
        (b"\xd0\xcf\x11\xe0 an old one", "old .xls"),
        (b"<Document>", "not valid XML"),
        (b"<Document></Document>", "camt.053 statements"),
        (b"<rss></rss>", "root element is rss"),
        (as_camt([LINE]).replace(b'Ccy="CNY"', b'Ccy="EUR"'), "CNY"),
        (as_camt([LINE]).replace(b"DBIT", b"BOTH"), "DBIT or CRDT"),
        (as_camt([LINE]).replace(b"2019-09-05", b"yesterday"), "not a date"),
        (as_camt([LINE]).replace(b"295055.00", b""), "amount is missing"),
        (entity('<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">'), "document type"),
        (entity('<!ENTITY x SYSTEM "file:///etc/passwd">'), "document type"),
        ("日期,支出\n\0".encode(), "not a text file"),
        ('日期,支出\n"2019-09-05,1'.encode(), "not valid CSV"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_a_statement_is_refused_with_the_reason(content, message):
    assert message in wrong(content)[0][1]


def test_columns_cannot_be_given_for_camt():
    assert "no columns" in wrong(as_camt([LINE]), date="x")[0][1]


def test_a_workbook_with_a_distant_cell_is_refused():
    workbook = Workbook()
    workbook.active["A1"] = "日期"
    workbook.active["XFD1048576"] = 1
    assert "split it by date" in wrong(saved(workbook))[0][1]


def test_a_statement_with_too_many_rows_is_refused():
    assert "split it by date" in wrong(sheet(*["2019-09-05,1.00,,甲"] * (MAX_ROWS + 1)))[0][1]
    assert "split it by date" in wrong(sheet(*["2019-09-05,1.00,,甲"] * 10_001))[0][1]


@given(st.binary(max_size=300))
@settings(max_examples=200)
def test_arbitrary_bytes_are_read_or_refused(content):
    for start in (b"", b"PK\x03\x04", b"<", "日期,支出\n".encode()):
        with suppress(StatementWrong):
            assert parsed(start + content).lines is not None


def test_hidden_sheets_are_ignored():
    workbook = Workbook()
    workbook.active.sheet_state = "hidden"
    visible = workbook.create_sheet("对账单")
    for row in (TITLE, HEADINGS, ("2019-09-05", "1.00", "", "甲")):
        visible.append(row)
    assert parsed(saved(workbook)).lines[0].payee == "甲"
