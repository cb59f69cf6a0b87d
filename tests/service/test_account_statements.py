"""A statement of an account that serves several funds: each line is of those that it pays, or counted as of none."""

from datetime import date
from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.fund.reconciliation import Difference, Direction
from domain.money import Money
from domain.state.entities import BankAccount
from domain.tie_out import Entry, Line
from service.example import FUND
from service.statements.account import Related
from service.statements.comparison import LedgerEntries, acceptance, reconcile
from service.statements.statement import Statement
from tests.service.conftest import live
from tests.service.statement_files import as_csv

DAY = date(2019, 3, 5)
FUNDS = ("f", "g")


def account(name):
    return BankAccount("0001", f"digest of {name}")


def entry(number, fund, amount, payee, on=DAY):
    return Entry(
        on, Direction.OUT, Money(amount), payee, account(payee), f"R{number}", f"V{number}", stream=f"project/{fund}-1",
        version=number, position=number, type="PaymentConfirmed", payment=f"P{number}", fund=fund,
    )  # fmt: skip


def line_of(each, number, **changes):
    line = Line(each.on, each.direction, each.amount, each.payee, each.account, each.reference, each.voucher, number)
    return replace(line, **changes)


def ledger(fund, entries):
    return LedgerEntries(fund, 100, tuple(each for each in entries if each.fund == fund), (), (), None)


def compared(lines, entries, related=None):
    rows = tuple(f"row {line.number}" for line in lines)
    statement = Statement("0" * 64, "csv", tuple(lines), date(2019, 3, 1), date(2019, 3, 31), rows=rows)
    return reconcile([ledger(fund, entries) for fund in FUNDS], statement, None, related)


def related(**names):
    return {fund: Related(frozenset(names.get(fund, ())), frozenset(), frozenset({f"{fund}-2019"})) for fund in FUNDS}


ENTRIES = [entry(1, "f", 100, "甲"), entry(2, "g", 200, "乙"), entry(3, "f", 300, "丙")]


def test_each_line_is_of_the_fund_of_its_entry_and_is_numbered_there():
    lines = [line_of(each, number) for number, each in enumerate(ENTRIES, 1)]
    of_f, of_g = compared(lines, ENTRIES)
    assert [(line.number, line.payee) for line in of_f.statement.lines] == [(1, "甲"), (2, "丙")]
    assert [(line.number, line.payee) for line in of_g.statement.lines] == [(1, "乙")]
    assert of_f.statement.rows == ("row 1", "row 3")
    assert [len(each.exceptions) for each in (of_f, of_g)] == [0, 0]
    assert acceptance(of_f)["others"] == {"lines": 1, "received": "0.00", "paid_out": "2.00"}


def test_a_line_of_no_entry_is_of_the_fund_that_it_is_related_to_or_of_none():
    stray = entry(9, "", 900, "丁", date(2019, 3, 20))
    lines = [
        line_of(stray, 1), line_of(stray, 2, payee="乙", amount=Money(7)), line_of(stray, 3, summary="拨付 g-2019-03"),
    ]  # fmt: skip
    of_f, of_g = compared(lines, ENTRIES, related(g=["乙"]))
    assert [line.number for line in of_f.others] == [1, 2, 3]
    assert [line.number for line in of_g.others] == [1]
    assert [each.differs for each in of_g.pairings if each.lines] == [(Difference.STATEMENT_ONLY,)] * 2
    of_f, of_g = compared(lines, ENTRIES)
    assert len(of_f.statement.lines) == 3, "without a filter, they are of the first fund, to be explained"


def test_a_line_that_pays_several_funds_counts_in_each_with_what_is_of_the_fund():
    batch = [entry(1, "f", 100, "甲"), entry(2, "g", 200, "乙")]
    line = line_of(batch[0], 1, amount=Money(300), payee="批量代付", account=None, reference=None, voucher=None)
    of_f, of_g = compared([line], batch)
    assert [acceptance(each)["paid_out"] for each in (of_f, of_g)] == ["1.00", "2.00"]
    assert [(len(each.exceptions), len(each.others)) for each in (of_f, of_g)] == [(0, 0)] * 2


def test_a_repeated_line_is_of_the_fund_of_the_line_that_it_repeats():
    lines = [line_of(ENTRIES[1], 1), line_of(ENTRIES[0], 2), line_of(ENTRIES[1], 3, reference="R2再")]
    of_f, of_g = compared(lines, ENTRIES[:2], related())
    assert [each.differs for each in of_g.exceptions] == [(Difference.DUPLICATE,)]
    assert of_g.exceptions[0].twin == 1
    assert not of_f.exceptions


@given(
    st.lists(st.tuples(st.sampled_from(FUNDS), st.integers(1, 4), st.sampled_from("甲乙丙")), max_size=6),
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from("甲乙丙丁"), st.booleans()), max_size=6),
    st.booleans(),
)
def test_the_shares_and_the_rest_are_the_statement_and_every_entry_is_listed_in_its_fund(booked, stated, only):
    entries = [entry(number, fund, amount * 100, payee) for number, (fund, amount, payee) in enumerate(booked, 1)]
    lines = [
        line_of(entry(90 + number, "", amount * 100, payee), number, **({} if numbered else {"reference": None}))
        for number, (amount, payee, numbered) in enumerate(stated, 1)
    ]
    found = compared(lines, entries, related(f=["甲"], g=["乙"]) if only else None)
    for each in found:
        assert [line.number for line in each.statement.lines] == list(range(1, len(each.statement.lines) + 1))
        assert len(each.statement.lines) + len(each.others) == len(lines)
        listed = sorted(line.number for pairing in each.pairings for line in pairing.lines)
        assert listed == [line.number for line in each.statement.lines]
        versions = sorted(one.version for pairing in each.pairings for one in pairing.entries)
        assert versions == sorted(one.version for one in entries if one.fund == each.ledger.fund)


# Over HTTP ------------------------------------------------------------------------


OTHER = "demo-2025"


@pytest.fixture
def two_funds(sample_copy):
    life = sample_copy.get("/v1/event-types", key=None).json["example_life"]
    live(sample_copy, list(takewhile(lambda event: event["type"] != "ProjectClosed", life)))
    sample_copy.fold()
    return sample_copy


def send(api, content, path="/v1/reconciliations/account", key="auditor", **params):
    return api.client.post(path, data=content, content_type="text/csv", headers=api.headers(key), query_string=params)


def of_payments(api, *strays):
    """The statement of April 2025: the confirmed payments of OTHER, and lines of another fund's."""
    rows = api.get(f"/v1/payments?fund={OTHER}&limit=100").json["payments"]
    paid = [row for row in rows if (row["cleared_on"] or "").startswith("2025-04") and not row["unordered"]]
    lines = [
        Line(
            date.fromisoformat(row["cleared_on"]), Direction.OUT, Money.parse(row["amount"]), row["payee"], None,
            row["bank_reference"], row["voucher"], number,
        )
        for number, row in enumerate(paid, 1)
    ]  # fmt: skip
    return as_csv([*lines, *strays]), len(lines)


STRAYS = [
    Line(date(2025, 4, 9), Direction.OUT, Money(123_00), "无关单位", None, "X1", None, 90),
    Line(date(2025, 4, 10), Direction.IN, Money(45_00), "另一单位", None, "X2", None, 91),
]


def test_a_statement_of_a_whole_account_is_held_against_all_its_funds_and_the_rest_is_summed(two_funds):
    content, of_other = of_payments(two_funds, *STRAYS)
    answer = send(two_funds, content, fund=f"{FUND},{OTHER}", related_only="true").json
    ours, theirs = answer["funds"]
    assert [each["fund"] for each in answer["funds"]] == [FUND, OTHER]
    assert answer["others"] == {"lines": 2, "received": "45.00", "paid_out": "123.00"}
    assert (ours["summary"]["lines"], ours["others"]["lines"]) == (0, of_other + 2)
    assert (theirs["summary"]["lines"], theirs["others"]) == (of_other, answer["others"])
    data = theirs["acceptance"]
    explained = [{**each, "explanation": "已核实"} for each in data["exceptions"]]
    accepted = two_funds.event(
        "StatementReconciled", f"fund/{OTHER}", "2026-05-09", ["对账单"], **{**data, "exceptions": explained}
    )
    assert two_funds.post(accepted, "fund-office").status_code == 201
    single = send(two_funds, content, "/v1/reconciliations", fund=OTHER, related_only="true").json
    assert single["acceptance"]["matches"] == data["matches"]
    everything = send(two_funds, content, "/v1/reconciliations", fund=OTHER).json
    assert everything["summary"]["exceptions"]["statement_only"] == 2


@pytest.mark.parametrize("fund", ["", ",", "a b", "x,y z", ",".join(f"f{n}" for n in range(21))])
def test_a_list_of_funds_that_is_none_is_refused(sample, fund):
    assert send(sample, b"x", fund=fund).status_code == 400


def test_a_fund_of_the_list_that_the_key_may_not_read_is_refused(two_funds):
    assert send(two_funds, b"x", fund=f"{FUND},nobody").status_code in (403, 404)
