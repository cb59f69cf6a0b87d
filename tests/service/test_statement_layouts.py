"""Each bank's export is read the right way round, or asked about: signs, words, totals, balances, units, placeholders.

The layouts are those of real exports, the contents are invented.
"""

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
from domain.tie_out import Days, Line, tie_out
from service.statements import Choices, StatementWrong, cells
from service.statements.headings import HEADINGS, title
from service.statements.placeholders import is_placeholder
from service.statements.reader import read
from tests.service.bank_layouts import BANKS, LAYOUTS, written
from tests.service.statement_month import FIRST, LAST, month, score

IN, OUT = Direction.IN, Direction.OUT
MASKED, WITHOUT_ACCOUNT, SIGNED = {"中国银行（个人）"}, {"用友"}, {"中国银行（个人）", "招商银行"}
DAYS = (date(2019, 9, 1), date(2019, 9, 30))


def account_of(number):
    return BankAccount(number[-4:], f"digest of {number}")


def parsed(content, **choices):
    return read(content, Choices(**choices), account_of)


def wrong(content, **choices):
    with pytest.raises(StatementWrong) as refused:
        parsed(content, **choices)
    [(where, english, chinese), *_] = refused.value.errors
    assert re.search("[\u4e00-\u9fff]", chinese)
    return where, english


def sheet(headings, *rows, above=()):
    return "\n".join([*above, headings, *rows]).encode()


def moved(statement):
    return [(line.direction, str(line.amount)) for line in statement.lines]


LINES = st.lists(
    st.builds(
        Line,
        st.dates(*DAYS),
        st.sampled_from(Direction),
        st.integers(1, 10**11).map(Money),
        st.from_regex("示例[甲乙丙丁]{1,3}(公司|研究院)", fullmatch=True),
        st.from_regex("62[0-9]{17}", fullmatch=True),
        st.from_regex("示例〔2019〕[1-9][0-9]{0,3}号", fullmatch=True),
        st.from_regex("示例〔2019〕[1-9][0-9]{0,3}号", fullmatch=True),
        st.just(0),
        st.just("拨款"),
    ),
    min_size=3,
    max_size=8,
    unique_by=lambda line: line.amount,
).map(lambda lines: sorted(lines, key=lambda line: line.on))


@pytest.mark.parametrize("layout", LAYOUTS)
@given(LINES)
@settings(max_examples=30)
def test_the_export_of_each_bank_is_read_without_a_parameter(layout, lines):
    statement = parsed(written(layout, lines))
    read_lines = statement.lines if layout != "农业银行" else statement.lines[::-1]
    assert [(line.on, line.direction, line.amount, line.payee) for line in read_lines] == [
        (line.on, line.direction, line.amount, line.payee) for line in lines
    ]
    if layout not in WITHOUT_ACCOUNT:
        digests = [line.account.digest for line in read_lines]
        assert digests == ["" if layout in MASKED else account_of(line.account).digest for line in lines]
    assert (statement.adds_up, statement.contradictions) == (True, ())
    assert statement.direction_by in ("headings", "column", "balances")


@pytest.mark.parametrize("layout", LAYOUTS)
@given(LINES, st.data())
@settings(max_examples=30)
def test_a_line_that_is_missing_between_others_contradicts_the_balances(layout, lines, data):
    rows = written(layout, lines).decode("gb18030").splitlines()
    first = next(at for at, row in enumerate(rows) if lines[0].payee in row or lines[-1].payee in row)
    removed = first + data.draw(st.integers(1, len(lines) - 2))
    del rows[removed]
    content = "\r\n".join(rows).encode("gb18030")
    if layout in SIGNED:
        assert "negative=paid" in wrong(content)[1]
    statement = parsed(content, negative="paid" if layout in SIGNED else None)
    assert len(statement.lines) == len(lines) - 1
    assert (statement.adds_up, bool(statement.contradictions)) == (False, True)


# Signs and directions ---------------------------------------------------------


@pytest.mark.parametrize("sign", [1, -1])
def test_the_balances_say_what_a_negative_amount_is(sign):
    rows = [f"2019-09-01,{sign * -100},900", f"2019-09-02,{sign * 50},950", f"2019-09-03,{sign * -20},930"]
    statement = parsed(sheet("日期,金额,余额", *rows))
    assert moved(statement) == [(OUT, "100.00"), (IN, "50.00"), (OUT, "20.00")]
    assert statement.direction_by == "balances"


@pytest.mark.parametrize(
    "rows",
    [
        ["2019-09-01,-100,", "2019-09-02,50,"],
        ["2019-09-01,100,", "2019-09-02,50,"],
        ["2019-09-01,-100,900"],
        ["2019-09-01,-100,900", "2019-09-02,-50,700"],
    ],
    ids=["no balances", "no signs either", "one balance", "balances that fit neither"],
)
def test_where_nothing_says_what_an_amount_is_the_client_is_asked(rows):
    content = sheet("日期,金额,余额", *rows)
    assert wrong(content)[0] == "row 1, column B"
    assert "negative=paid" in wrong(content)[1]
    paid, received = (parsed(content, negative=each) for each in ("paid", "received"))
    assert paid.direction_by == received.direction_by == "parameter"
    assert [line.direction for line in paid.lines] != [line.direction for line in received.lines]
    assert {line.direction for line in paid.lines if str(line.amount) == "100.00"} == {
        OUT if rows[0].startswith("2019-09-01,-") else IN
    }


def test_a_parameter_that_the_balances_disprove_is_reported():
    content = sheet("日期,金额,余额", "2019-09-01,-100,900", "2019-09-02,50,950")
    assert parsed(content, negative="paid").adds_up
    assert parsed(content, negative="received").contradictions


PAIRS = [
    ("往账", "来账"), ("转出", "转入"), ("支取", "存入"), ("汇出", "汇入"), ("借 Dr", "贷 Cr"), ("S", "H"), ("D", "C"),
    ("借", "贷"), ("支出", "收入"), ("付", "收"), ("Debit", "Credit"), ("借记", "贷记"), ("出账", "入账"), ("－", "＋"),
]  # fmt: skip


@pytest.mark.parametrize("heading", ["借贷标志", "交易类型", "类别"])
@pytest.mark.parametrize(("out", "received"), PAIRS)
def test_the_words_of_a_direction_are_known_under_any_heading(heading, out, received):
    statement = parsed(sheet(f"日期,金额,{heading}", f"2019-09-01,100,{out}", f"2019-09-02,50,{received}"))
    assert moved(statement) == [(OUT, "100.00"), (IN, "50.00")]
    assert (statement.direction_by, statement.columns["direction"]) == ("column", heading)


def test_a_column_with_two_unknown_words_is_named_in_the_question():
    content = sheet("日期,金额,方式", "2019-09-01,100,去", "2019-09-02,50,回", "2019-09-03,50,去")
    where, english = wrong(content)
    assert (where, "方式: 去, 回" in english or "方式: 回, 去" in english) == ("row 1, column B", True)
    answered = parsed(content, columns={"direction": "方式"}, paid_word="去", received_word="回")
    assert moved(answered) == [(OUT, "100.00"), (IN, "50.00"), (OUT, "50.00")]
    assert wrong(content, columns={"direction": "方式"})[0] == "row 2, column C"


def test_a_sign_that_repeats_the_direction_is_not_counted_twice():
    rows = ("2019-09-01,-100,往账", "2019-09-02,50,来账")
    assert moved(parsed(sheet("日期,金额,类型", *rows))) == [(OUT, "100.00"), (IN, "50.00")]
    reversed_payment = parsed(sheet("日期,金额,类型", "2019-09-01,100,往账", "2019-09-02,-100,往账"))
    assert moved(reversed_payment) == [(OUT, "100.00"), (IN, "100.00")]


@pytest.mark.parametrize("title_", ["银行存款日记账", "科目：1002 银行存款"])
def test_a_debit_in_the_holder_s_journal_is_money_received(title_):
    headings = "日期,摘要,借方金额,贷方金额,往来单位"
    content = sheet(headings, "2019-09-01,拨付,,100,甲", above=[f"{title_},,,,"])
    assert moved(parsed(content)) == [(OUT, "100.00")]
    assert moved(parsed(sheet(headings, "2019-09-01,拨付,100,,甲"))) == [(OUT, "100.00")], "a bank's statement"


def test_debits_and_credits_are_turned_round_only_if_the_balances_prove_it():
    headings = "日期,借方,贷方,余额,户名"
    rows = ("2019-09-01,,100,900,甲", "2019-09-02,,50,850,甲", "2019-09-03,7,,857,甲")
    assert moved(parsed(sheet(headings, *rows))) == [(OUT, "100.00"), (OUT, "50.00"), (IN, "7.00")]
    paid = parsed(sheet("日期,支出,收入,余额", "2019-09-01,,100,900", "2019-09-02,,50,850"))
    assert [line.direction for line in paid.lines] == [IN, IN], "支出 and 收入 mean one thing in all books"
    assert paid.contradictions


# Payees -----------------------------------------------------------------------


def test_where_payer_and_payee_stand_side_by_side_the_other_party_is_the_one_that_is_not_us():
    content = sheet(
        "日期,借方,贷方,付款人名称,付款人账号,收款人名称,收款人账号",
        "2019-09-01,100,,我局,62000000001,甲公司,62000000002", "2019-09-02,,50,乙公司,62000000003,我局,62000000001",
    )  # fmt: skip
    assert [(line.payee, line.account.last4) for line in parsed(content).lines] == [
        ("甲公司", "0002"),
        ("乙公司", "0003"),
    ]


@pytest.mark.parametrize(
    "heading", ["对方客户全称", "收款企业名称", "交易方姓名", "Counterparty Bank Client", "供应商名称"]
)
def test_an_unknown_heading_that_may_be_the_payee_s_is_refused_and_can_be_named_or_ignored(heading):
    content = sheet(f"日期,支出,收入,{heading}", "2019-09-01,100,,甲公司")
    assert wrong(content)[0] == "row 1, column D"
    assert parsed(content, columns={"payee": heading}).lines[0].payee == "甲公司"
    ignored = parsed(content, ignored=(heading,))
    assert ("payee" in ignored.unchecked, ignored.unread) == (True, (heading,))


def test_a_column_with_values_and_no_heading_is_reported_as_not_read():
    statement = parsed(sheet("日期,支出,收入,,", "2019-09-01,100,,甲公司,"))
    assert (statement.unread, "payee" in statement.unchecked) == (("row 1, column D",), True)


def test_what_was_not_read_and_what_is_not_compared_is_reported():
    statement = parsed(sheet("日期,支出,收入,网点,收款人", "2019-09-01,100,,示例,甲"))
    assert (statement.unread, statement.unchecked) == (("网点",), ("account", "reference", "voucher"))
    assert "payee" in parsed(sheet("日期,支出,收入,流水号", "2019-09-01,100,,1")).unchecked


def test_every_usual_heading_is_of_one_part_only():
    titles = [(title(name), part) for part, names in HEADINGS.items() for name in names]
    assert len({each for each, _ in titles}) == len(titles)


# Units and placeholders ----------------------------------------------------------


@pytest.mark.parametrize(
    "above",
    [
        "币种:,美元",
        "币种：,USD",
        "单位：,万元",
        "单位,千元",
        "交易币种,,HKD",
        "Ccy,EUR",
        "金额单位：万元",
        "一览表（单位：万元）",
    ],
)
def test_another_currency_or_unit_beside_its_label_is_never_yuan(above):
    content = sheet("交易日期,借方发生额,贷方发生额,余额,对方户名", "2019-09-01,1,,2,甲", above=[f"{above},,"])
    assert wrong(content)[1] == "Amounts must be in yuan."


@pytest.mark.parametrize(
    "above", ["币种：,人民币", "币种:,CNY", "单位：,元", "户名：,单位：示例公司", "备注：另有 3 亿元"]
)
def test_yuan_beside_its_label_is_accepted(above):
    assert parsed(
        sheet("交易日期,借方发生额,贷方发生额,余额,对方户名", "2019-09-01,1,,2,甲", above=[f"{above},,"])
    ).lines


@pytest.mark.parametrize(
    "number",
    ["0", "00000000", "０", "-", "--", "——", "/", "无", "NOTPROVIDED", "NotProvided", "NONREF", "暂无", "N/A", "...."],
)
def test_a_placeholder_is_no_number(number):
    assert is_placeholder(number)
    line = parsed(sheet("日期,支出,收入,流水号,凭证号", f"2019-09-01,1,,{number},{number}")).lines[0]
    assert (line.reference, line.voucher) == (None, None)


@pytest.mark.parametrize("number", ["'00123", "`00123", "‘00123"])
def test_a_mark_that_keeps_a_number_as_text_is_not_part_of_it(number):
    assert parsed(sheet("日期,支出,收入,流水号", f"2019-09-01,1,,{number}")).lines[0].reference == "00123"


# What a statement says of itself ----------------------------------------------------


def test_balances_in_any_order_of_days_and_rows_are_no_contradiction():
    rows = ["2019-09-01,10,,990", "2019-09-01,20,,970", "2019-09-02,,5,975", "2019-09-03,1,,974"]
    by_day = [rows[3], rows[2], *rows[:2]]
    within_a_day = [rows[1], rows[0], *rows[2:]]
    for order in (rows, rows[::-1], by_day, within_a_day):
        assert parsed(sheet("日期,支出,收入,余额", *order)).adds_up, order
    last_only = ["2019-09-01,10,,", "2019-09-01,20,,970", "2019-09-02,,5,", "2019-09-03,1,,974"]
    assert parsed(sheet("日期,支出,收入,余额", *last_only)).adds_up
    assert parsed(sheet("日期,支出,收入,余额", *last_only[:1], *last_only[2:], "2019-09-04,1,,973")).adds_up


@pytest.mark.parametrize(
    ("row", "agrees"),
    [
        ("合计：,,30,5,", True), ("本月合计,2019-09-30,30,5,", True), ("9月合计,,30.00,5.00,", True),
        ("累计发生额,,900,800,", True),
        ("合计,,31,5,", False), ("总计,,30,6,", False), ("期末余额,2019-09-30,,,975", True), ("期末余额,,,,976", False),
        ("期初余额,2019-09-01,,,1000", True), ("期初余额,,,,1100", False), ("承前页,,,,975", True),
        ("手续费,2019-09-30,0.00,,975", True),
        ("日期摘要,日期,支出,收入,余额", True), ("打印时间：2019年10月8日 09:00,,,,", True),
    ],
)  # fmt: skip
def test_totals_carried_balances_and_notes_are_compared_or_reported_and_are_no_lines(row, agrees):
    content = sheet(
        "摘要,日期,支出,收入,余额", "a,2019-09-01,10,,990", "b,2019-09-01,20,,970", "c,2019-09-02,,5,975", row
    )
    if row.startswith("日期摘要"):
        content = content.replace("日期摘要".encode(), "摘要".encode())
    statement = parsed(content)
    assert len(statement.lines) == 3
    assert [where for where, _ in statement.skipped] == ["row 5"]
    assert statement.adds_up is agrees


@pytest.mark.parametrize(
    ("label", "agrees"),
    [
        ("总笔数,2", True), ("总笔数：3", False), ("借方发生总额,100.00", True), ("支出合计：101.00", False),
        ("贷方笔数,1笔", True),
        ("期初余额：1000.00", True), ("期初余额,999.00", False), ("期末余额：950.00", True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("below", [False, True])
def test_totals_outside_the_table_are_compared(label, agrees, below):
    table = ["日期,支出,收入,余额", "2019-09-01,100,,900", "2019-09-02,,50,950"]
    rows = [*table, f"{label},,"] if below else [f"{label},,", *table]
    statement = parsed("\n".join(rows).encode())
    assert (len(statement.lines), statement.adds_up) == (2, agrees)


def test_the_period_that_a_sheet_states_is_that_of_the_statement():
    table = ("日期,支出,收入", "2019-09-05,1,")
    assert parsed(sheet(*table)).last_day == date(2019, 9, 30)
    for above in (
        "查询时间范围：20190901-20191031",
        "起止日期,2019-09-01 至 2019-10-31",
        "起始日期：2019-09-01,截止日期：2019-10-31",
    ):
        statement = parsed(sheet(*table, above=[above]))
        assert (statement.first_day, statement.last_day) == (date(2019, 9, 1), date(2019, 10, 31)), above


def test_headings_in_two_rows_are_read_together():
    rows = (
        "日期,发生额,,余额,对方,",
        ",借方,贷方,,户名,账号",
        "2019-09-01,100,,900,甲,62000000001",
        "2019-09-02,,5,905,乙,62000000002",
    )
    statement = parsed("\n".join(rows).encode())
    assert (moved(statement), statement.adds_up) == ([(OUT, "100.00"), (IN, "5.00")], True)
    assert [line.payee for line in statement.lines] == ["甲", "乙"]


def test_a_refusal_names_the_headings_that_were_seen():
    _, english = wrong(sheet("Tag,Soll,Haben,Name", "2019-09-05,1.00,,甲"))
    assert "Tag, Soll, Haben, Name" in english


def test_there_are_ten_banks():
    assert len({name.partition("（")[0] for name in BANKS}) == 10


# A month with errors ----------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_errors_of_a_month_are_found_in_each_layout_as_what_they_are(layout):
    """3 % of the payments have an error of each kind. Only two of the layouts have the ledger's own numbers."""
    of = month(7, 600)
    statement = parsed(written(layout, of.lines, Money(9_000_000_000_000)))
    last = len(of.lines) + 1
    numbers = {line.number: last - line.number if layout == "农业银行" else line.number for line in statement.lines}
    pairings = tie_out(statement.lines, [as_stored(entry) for entry in of.entries], Days(FIRST, LAST, 3))
    precision, recall = score(of, pairings, numbers)
    assert min(precision, recall) >= 0.98


def as_stored(entry):
    return replace(entry, account=account_of(entry.account.digest))


# Damaged files ----------------------------------------------------------------------


JUNK = st.sampled_from(
    [
        "", "-", "0", "0.00", "1e5", "合计", "借", "贷", "转出", "2019-09-31", "20190905", "余额", "币种：", "美元",
        "ＡＢ", "\t", "'", "=1+1", "12 345.00", "1.234", "(5.00)", "-7.00", "收款人", "日期", "\u202e1.00", "9" * 30,
        "甲" * 300,
    ]
)  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
@given(LINES, st.data())
@settings(max_examples=40)
def test_a_damaged_cell_is_refused_or_reported_and_no_money_is_invented(layout, lines, data):
    delimiter = "|" if layout == "中国银行" else ","
    rows = [row.split(delimiter) for row in written(layout, lines).decode("gb18030").splitlines()]
    at = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.integers(0, len(rows[at]) - 1))
    junk = data.draw(JUNK)
    rows[at][column] = junk
    content = "\r\n".join(map(delimiter.join, rows)).encode("gb18030")
    try:
        statement = parsed(content)
    except StatementWrong:
        return  # its messages are tested elsewhere
    printed = {line.amount for line in lines} | {Money(abs(amount)) for amount in amounts_in(junk)}
    as_printed = {(line.on, line.direction, line.amount) for line in lines}
    changed = [each for each in statement.lines if (each.on, each.direction, each.amount) not in as_printed]
    without_payee = sum(not line.payee for line in statement.lines)
    if not statement.contradictions:
        assert {line.amount for line in statement.lines} <= printed
        assert len(changed) <= 1
        assert without_payee <= 1 or "payee" in statement.unchecked or statement.unread


def amounts_in(text):
    with suppress(cells.Wrong):
        yield cells.amount(text)
