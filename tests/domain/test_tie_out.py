"""The tie-out of a statement with the ledger: every line and entry once, exact sums, each kind of difference."""

import time
from datetime import date, timedelta
from itertools import count

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.fund.reconciliation import Difference, Direction
from domain.money import Money
from domain.state.entities import BankAccount
from domain.tie_out import Days, Entry, Line, foreign_numbers, tie_out

MARCH = Days(date(2019, 3, 1), date(2019, 3, 31), tolerance=3)
IN, OUT = Direction.IN, Direction.OUT
NAMES = ("甲公司", "乙公司", "丙研究院")


def march(day):
    return date(2019, 3, day)


def account(name):
    return BankAccount(name[:1] * 4, f"digest of {name}")


def entry(number, day, amount, payee="甲公司", **more):
    """A confirmed payment with its own voucher and bank reference."""
    details = {
        "account": account(payee),
        "reference": f"银行{number}",
        "voucher": f"凭证{number}",
        "payment": f"P{number}",
    }
    on = march(day) if isinstance(day, int) else day
    at = {"stream": "project/p", "version": number, "position": 100 + number, "type": "PaymentConfirmed"}
    return Entry(**{**at, "on": on, "direction": OUT, "amount": Money(amount), "payee": payee, **details, **more})


def line_of(entry, number=None, **changes):
    """The line of the bank's statement for an entry."""
    return replace(
        Line(
            entry.on, entry.direction, entry.amount, entry.payee, entry.account, entry.reference, entry.voucher,
            number=number or entry.version,
        ),
        **changes,
    )  # fmt: skip


def anonymous(entry, number=None, **changes):
    """The line of the bank's statement for an entry. The line has no reference, no voucher and no account."""
    return line_of(entry, number, **{"reference": None, "voucher": None, "account": None, **changes})


def outcome(lines, entries, pending=(), days=MARCH):
    """Each pairing as its line numbers, its entry versions and its differences."""
    return [
        ([line.number for line in each.lines], [entry.version for entry in each.entries], list(each.differs))
        for each in tie_out(lines, entries, days, pending)
    ]


# One line and one entry -------------------------------------------------------


def test_a_line_is_matched_with_the_entry_of_its_numbers():
    one = entry(1, 5, 100)
    [pairing] = tie_out([line_of(one)], [one], MARCH)
    assert pairing.differs == ()
    assert pairing.reasons == ("reference", "voucher", "amount", "account", "payee", "date")
    assert pairing.confidence == 100


def test_a_reference_that_the_bank_uses_on_several_days_is_matched_by_the_day():
    daily = [entry(number, day, 100, reference="0001", voucher=None) for number, day in ((1, 5), (2, 6), (3, 20))]
    lines = [line_of(each) for each in daily]
    assert outcome(lines, daily) == [([number], [number], []) for number in (1, 2, 3)]
    assert outcome(lines[1:2], daily[1:]) == [([2], [2], []), ([], [3], [Difference.LEDGER_ONLY])]


def test_a_line_without_numbers_is_matched_by_payee_amount_and_day():
    first, second = entry(1, 5, 100), entry(2, 6, 100, "乙公司")
    lines = [anonymous(second, 1), anonymous(first, 2)]
    assert outcome(lines, [first, second]) == [([1], [2], []), ([2], [1], [])]
    assert tie_out(lines, [first, second], MARCH)[0].confidence == 50


def test_numbers_and_names_are_compared_in_normalised_form():
    one = entry(1, 5, 100, "Ａ（甲）公司", reference="yx—2019 001")
    assert outcome([line_of(one, payee="A(甲)公司", reference="YX-2019001")], [one]) == [([1], [1], [])]


def test_equal_payments_to_one_payee_are_paired_in_the_order_of_their_days():
    first, second = entry(1, 5, 100), entry(2, 7, 100)
    lines = [anonymous(first, 1, on=march(6)), anonymous(second, 2, on=march(8))]
    assert outcome(lines, [second, first]) == [([1], [1], []), ([2], [2], [])]


def test_an_entry_outside_the_statement_days_is_not_missing_but_can_be_matched():
    before, within = entry(1, date(2019, 2, 28), 100), entry(2, 5, 200)
    assert outcome([line_of(within, 1)], [before, within]) == [([1], [2], [])]
    assert outcome([line_of(before, 1, on=march(1))], [before]) == [([1], [1], [Difference.DATE_DIFFERS])]


# One line or entry and several ------------------------------------------------


def test_one_line_is_matched_with_several_entries_of_one_voucher():
    items = [entry(n, 5, 100 * n, voucher="凭证9") for n in (1, 2, 3)]
    batch = anonymous(items[0], 1, amount=Money(600), voucher="凭证9", payee=None)
    assert outcome([batch], items) == [([1], [1, 2, 3], [])]


def test_several_lines_are_matched_with_one_entry():
    one = entry(1, 5, 300)
    lines = [line_of(one, 1, amount=Money(100)), line_of(one, 2, amount=Money(200), reference="银行另一笔")]
    assert outcome(lines, [one]) == [([1, 2], [1], [])]


@pytest.mark.parametrize("nameless", [False, True], ids=["to one payee", "without a name"])
def test_a_line_is_matched_with_a_sum_of_entries_without_any_number(nameless):
    two = [entry(1, 5, 100), entry(2, 5, 250)]
    line = anonymous(two[0], 1, amount=Money(350), **({"payee": None} if nameless else {}))
    [pairing] = tie_out([line], [*two, entry(3, 20, 350, "乙公司")], replace(MARCH, last=march(19)))
    assert [each.version for each in pairing.entries] == [1, 2]
    assert "sum" in pairing.reasons


def test_several_lines_are_matched_with_one_entry_without_any_number():
    one = entry(1, 5, 350)
    lines = [anonymous(one, 1, amount=Money(100)), anonymous(one, 2, amount=Money(250))]
    assert outcome(lines, [one]) == [([1, 2], [1], [])]


def test_a_voucher_of_several_items_is_paired_item_by_item():
    items = [entry(n, 5, 100 * n, name, voucher="凭证9") for n, name in enumerate(NAMES, 1)]
    lines = [line_of(each, reference=None) for each in items]
    assert outcome(lines, items) == [([n], [n], []) for n in (1, 2, 3)]


# Exceptions -------------------------------------------------------------------


def test_a_line_without_an_entry_is_statement_only():
    one = entry(1, 5, 100)
    fee = Line(march(6), OUT, Money(7), "银行手续费", number=2)
    assert outcome([line_of(one), fee], [one]) == [([1], [1], []), ([2], [], [Difference.STATEMENT_ONLY])]


def test_a_line_of_an_unconfirmed_payment_names_that_payment():
    sent = entry(1, 5, 100, reference=None)
    [pairing] = tie_out([line_of(sent)], [], MARCH, [sent])
    assert pairing.differs == (Difference.STATEMENT_ONLY,)
    assert pairing.pending == sent


def test_a_line_for_a_payment_of_another_statement_is_a_duplicate():
    paid = entry(1, date(2019, 2, 20), 100)
    [pairing] = tie_out([anonymous(paid, 1, on=march(5))], [], MARCH, settled=[paid])
    assert (pairing.differs, pairing.settled) == ((Difference.DUPLICATE,), paid)


def test_an_entry_without_a_line_is_ledger_only():
    assert outcome([], [entry(1, 5, 100)]) == [([], [1], [Difference.LEDGER_ONLY])]


def test_a_different_amount_under_the_same_number_is_reported():
    one = entry(1, 5, 100)
    assert outcome([line_of(one, amount=Money(99))], [one]) == [([1], [1], [Difference.AMOUNT_DIFFERS])]


def test_a_different_amount_to_the_same_payee_is_reported_without_a_number():
    one = entry(1, 5, 100)
    assert outcome([anonymous(one, amount=Money(99))], [one]) == [([1], [1], [Difference.AMOUNT_DIFFERS])]


def test_a_different_payee_under_the_same_number_is_reported():
    one = entry(1, 5, 100)
    line = line_of(one, payee="丁公司", account=account("丁公司"))
    assert outcome([line], [one]) == [([1], [1], [Difference.PAYEE_DIFFERS])]


def test_a_different_account_of_the_same_name_is_a_different_payee():
    one = entry(1, 5, 100)
    line = line_of(one, account=account("另一账户"))
    assert outcome([line], [one]) == [([1], [1], [Difference.PAYEE_DIFFERS])]


def test_a_different_day_is_reported_beyond_the_tolerance_or_in_another_month():
    one, edge = entry(1, 5, 100), entry(2, 31, 200)
    assert outcome([line_of(one, on=march(8))], [one]) == [([1], [1], [])]
    assert outcome([line_of(one, on=march(9))], [one]) == [([1], [1], [Difference.DATE_DIFFERS])]
    assert outcome([line_of(edge, on=date(2019, 4, 1))], [edge]) == [([2], [2], [Difference.DATE_DIFFERS])]
    assert outcome([anonymous(one, on=march(25))], [one]) == [([1], [1], [Difference.DATE_DIFFERS])]


def test_the_most_severe_difference_is_listed_first():
    one = entry(1, 5, 100)
    line = line_of(one, amount=Money(99), payee="丁公司", account=None, on=march(20))
    [(_, _, differs)] = outcome([line], [one])
    assert differs == [Difference.AMOUNT_DIFFERS, Difference.PAYEE_DIFFERS, Difference.DATE_DIFFERS]


@pytest.mark.parametrize("with_numbers", [True, False])
def test_a_line_that_occurs_twice_is_a_duplicate(with_numbers):
    one = entry(1, 5, 100)
    write = line_of if with_numbers else anonymous
    lines = [write(one, 1), write(one, 2)]
    assert outcome(lines, [one]) == [([1], [1], []), ([2], [], [Difference.DUPLICATE])]
    assert tie_out(lines, [one], MARCH)[1].twin == 1


def test_a_duplicate_is_not_matched_with_a_payment_of_another_day():
    first, later = entry(1, 5, 100), entry(2, 28, 100)
    lines = [anonymous(first, 1), anonymous(first, 2), anonymous(later, 3)]
    assert outcome(lines, [first, later]) == [([1], [1], []), ([2], [], [Difference.DUPLICATE]), ([3], [2], [])]


def test_a_returned_payment_can_come_from_an_account_of_the_bank():
    back = entry(1, 5, 100, direction=IN, type="PaymentReturned")
    line = line_of(back, payee="待退票户", account=None, voucher=None, reference=None)
    assert outcome([line], [back]) == [([1], [1], [])]


def test_an_outgoing_payment_is_never_matched_with_an_incoming_line():
    one = entry(1, 5, 100)
    assert outcome([line_of(one, direction=IN)], [one]) == [
        ([1], [], [Difference.STATEMENT_ONLY]),
        ([], [1], [Difference.LEDGER_ONLY]),
    ]


OF_OURS = entry(90, 9, 9900, "丙研究院")
"""An entry whose line has its numbers: then the numbers of the statement are the ledger's own."""


def test_a_line_with_another_reference_and_payee_is_not_matched():
    one = entry(1, 5, 100, voucher=None)
    other = line_of(one, reference="银行另一笔", payee="丁公司", account=None)
    assert [each for _, _, each in outcome([other, line_of(OF_OURS)], [one, OF_OURS])] == [
        [Difference.STATEMENT_ONLY], [], [Difference.LEDGER_ONLY],
    ]  # fmt: skip


def test_lines_and_entries_with_equal_sums_but_different_amounts_differ():
    """All have the same voucher. The lines are of 6000 and 4000 fen, and the entries are of 7000 and 3000 fen."""
    booked = [entry(1, 5, 7000, voucher="凭证9"), entry(2, 5, 3000, "乙公司", voucher="凭证9")]
    lines = [
        line_of(booked[0], 1, amount=Money(6000), reference=None),
        line_of(booked[1], 2, amount=Money(4000), reference=None),
    ]
    [(numbers, entries, differs)] = outcome(lines, booked)
    assert (numbers, entries) == ([1, 2], [1, 2])
    assert Difference.AMOUNT_DIFFERS in differs


def test_two_payments_under_one_bank_reference_are_not_duplicates():
    """A bank may use one reference for a batch of payments. Another payee or another day means another payment."""
    first, second = entry(1, 5, 100, reference="批次7"), entry(2, 5, 100, "乙公司", reference=None)
    lines = [line_of(first, 1), line_of(second, 2, reference="批次7")]
    assert outcome(lines, [first, second]) == [([1], [1], []), ([2], [2], [])]
    later = line_of(first, 2, on=march(24))
    assert outcome([line_of(first, 1), later], [first])[1] == ([2], [], [Difference.STATEMENT_ONLY])


def test_beyond_the_tolerance_the_nearest_day_is_preferred():
    far, near = entry(1, date(2019, 2, 10), 100), entry(2, 20, 100)
    assert outcome([anonymous(near, 1, on=march(27))], [far, near]) == [([1], [2], [Difference.DATE_DIFFERS])]


def test_within_the_tolerance_the_same_month_is_preferred():
    before, within = entry(1, date(2019, 2, 28), 100), entry(2, 2, 100)
    assert outcome([anonymous(within, 1, on=march(3))], [before, within]) == [([1], [2], [])]


def test_an_entry_of_the_exact_amount_is_preferred_to_a_sum_of_others():
    three = [entry(1, 5, 100), entry(2, 5, 200, "乙公司"), entry(3, 5, 300, "丙研究院")]
    assert outcome([anonymous(three[2], 1, payee=None)], three)[0] == ([1], [3], [])


@pytest.mark.parametrize("late", [0, 2])
def test_a_line_with_other_numbers_is_never_matched_however_similar(late):
    one = entry(1, 5, 100)
    other = line_of(one, reference="银行9", voucher="凭证9", on=march(5 + late))
    assert outcome([other, line_of(OF_OURS)], [one, OF_OURS]) == [
        ([1], [], [Difference.STATEMENT_ONLY]), ([90], [90], []), ([], [1], [Difference.LEDGER_ONLY]),
    ]  # fmt: skip


# The bank's own words and numbers ------------------------------------------------


def test_numbers_of_the_bank_s_own_are_no_contradiction():
    two = [entry(1, 5, 100), entry(2, 5, 200, "乙公司")]
    lines = [line_of(each, reference=f"G{each.version}", voucher=f"9800{each.version}") for each in two]
    assert foreign_numbers(lines, two) == {"reference", "voucher"}
    pairings = tie_out(lines, two, MARCH)
    assert [(each.lines[0], each.entries[0].version, each.differs) for each in pairings] == [
        (lines[0], 1, ()), (lines[1], 2, ()),
    ]  # fmt: skip
    assert pairings[0].reasons == ("amount", "account", "payee", "date")
    assert foreign_numbers([line_of(two[0]), lines[1]], two) == set(), "one of them is the ledger's"


@pytest.mark.parametrize("apart", [0, 2])
@pytest.mark.parametrize("number", ["G2", "银行1"])
def test_a_payment_that_the_bank_made_again_under_another_number_is_a_likely_duplicate(apart, number):
    one = entry(1, 5, 100)
    lines = [line_of(one, 1), line_of(one, 2, reference=number + "再", voucher=None, on=march(5 + apart))]
    assert outcome(lines, [one]) == [([1], [1], []), ([2], [], [Difference.DUPLICATE])]
    assert tie_out(lines, [one], MARCH)[1].twin == 1
    later = replace(lines[1], on=march(20))
    assert outcome([lines[0], later], [one])[1] == ([2], [], [Difference.STATEMENT_ONLY])


LONG = "广州市越秀区示例科技有限公司"


def test_a_name_that_the_bank_has_cut_off_is_that_of_the_only_payee_that_begins_so():
    one, other = entry(1, 5, 100, LONG), entry(2, 5, 100, "乙公司")
    line = anonymous(one, 1, payee=LONG[:9])
    [pairing, _] = tie_out([line], [one, other], MARCH)
    assert (pairing.lines, pairing.entries[0].version, pairing.differs) == ((line,), 1, ())
    assert "shortened_name" in pairing.reasons
    assert "payee" not in pairing.reasons
    branch = entry(3, 6, 300, f"{LONG}分公司")
    assert tie_out([line], [one, other, branch], MARCH)[0].differs == (Difference.PAYEE_DIFFERS,), "one of two"
    assert tie_out([anonymous(one, 1, payee=LONG[:5])], [one], MARCH)[0].differs == (Difference.PAYEE_DIFFERS,)


def test_a_former_name_and_a_credit_code_name_the_payee():
    one = entry(1, 5, 100, former=("旧名公司", "甲公司"), code="91440104400001001X")
    other = entry(2, 5, 100, "乙公司")
    [former, _] = tie_out([anonymous(one, 1, payee="旧名公司")], [one, other], MARCH)
    assert (former.entries[0].version, former.differs, "former_name" in former.reasons) == (1, (), True)
    coded = anonymous(one, 1, payee="甲(集团)", summary="拨款 91440104400001001X")
    [pairing, _] = tie_out([coded], [one, other], MARCH)
    assert (pairing.entries[0].version, pairing.differs, "code" in pairing.reasons) == (1, (), True)


@pytest.mark.parametrize("text", ["批量代付", "代发工资户", "待清算过渡户"])
@pytest.mark.parametrize(("fee", "differs"), [(0, []), (1_500, [Difference.AMOUNT_DIFFERS])])
def test_one_line_of_a_batch_is_matched_with_all_payments_of_its_day(text, fee, differs):
    booked = [entry(1, 5, 100), entry(2, 5, 300, "乙公司"), entry(3, 5, 200, "丙研究院"), entry(4, 8, 50)]
    line = anonymous(booked[0], 1, payee=text, account=account("内部"), amount=Money(600 + fee))
    assert outcome([line], booked)[0] == ([1], [1, 2, 3], differs)
    too_much = replace(line, amount=Money(600 + 20_001))
    assert outcome([too_much], booked)[0] == ([1], [], [Difference.STATEMENT_ONLY])


def test_a_reference_is_preferred_to_a_voucher():
    first, second = entry(1, 5, 100, reference="R1", voucher="V1"), entry(2, 5, 100, reference="R2", voucher="V2")
    assert outcome([line_of(first, 1, reference="R2", voucher="V1")], [first, second])[0][1] == [2]


def test_a_line_that_names_one_of_two_payees_differs_in_the_payee():
    two = [entry(1, 5, 100, reference="R"), entry(2, 5, 100, "乙公司", reference="R")]
    line = line_of(two[0], 1, amount=Money(200), voucher=None)
    assert outcome([line], two) == [([1], [1, 2], [Difference.PAYEE_DIFFERS])]


def test_the_same_voucher_number_in_two_years_is_two_vouchers():
    days = Days(date(2020, 1, 1), date(2020, 1, 31), 3)
    old = entry(1, date(2019, 12, 5), 100, voucher="001", reference=None)
    right = entry(2, date(2020, 1, 3), 250, "乙公司", voucher=None, reference=None)
    line = line_of(right, 1, voucher="001")
    assert outcome([line], [old, right], days=days) == [([1], [2], [])]


def test_a_voucher_number_entered_twice_does_not_make_a_payment_a_duplicate():
    first, second = entry(1, 5, 100, reference=None), entry(2, 5, 100, reference=None)
    lines = [line_of(first, 1), line_of(second, 2, voucher=first.voucher)]
    assert [each for each in outcome(lines, [first, second]) if not each[2]] == [([1], [1], [])]
    other = entry(3, 5, 100, "乙公司", reference=None, voucher=None)
    assert outcome([line_of(first, 1), line_of(other, 3, voucher=first.voucher)], [first, other]) == [
        ([1], [1], []), ([3], [3], []),
    ]  # fmt: skip


def test_the_order_of_the_lines_of_a_day_does_not_matter():
    one = entry(1, 5, 100)
    nameless, named = anonymous(one, 1, payee=None), anonymous(one, 2, payee="丁公司")
    for first, second in ((nameless, named), (replace(named, number=1), replace(nameless, number=2))):
        pairings = tie_out([first, second], [one], MARCH)
        [pairing] = [each for each in pairings if each.entries]
        assert pairing.lines[0].payee is None
        assert pairing.differs == ()


def test_a_masked_account_is_compared_by_its_visible_digits():
    one = entry(1, 5, 100)
    masked = BankAccount(one.account.last4, "")
    assert outcome([line_of(one, account=masked)], [one]) == [([1], [1], [])]
    other = BankAccount("9999", "")
    assert outcome([line_of(one, account=other)], [one]) == [([1], [1], [Difference.PAYEE_DIFFERS])]


@pytest.mark.parametrize("amount", [100, 101])
def test_thousands_of_equal_lines_and_entries_are_tied_out_in_seconds(amount):
    entries = [entry(n, 5, 100, voucher="V", reference=None) for n in range(1, 2_001)]
    lines = [line_of(each, amount=Money(amount)) for each in entries]
    started = time.process_time()
    tie_out(lines, entries, MARCH)
    assert time.process_time() - started < 20, "a quadratic algorithm took minutes"


# Properties -------------------------------------------------------------------

DAYS = st.dates(date(2019, 2, 20), date(2019, 4, 10))
AMOUNTS = st.integers(1, 6).map(lambda n: Money(n * 100))
NUMBERS = st.none() | st.sampled_from(["1", "2", "3"])
PAYEES = st.none() | st.sampled_from(NAMES)


@st.composite
def lines(draw, max_lines=7):
    numbers = count(1)
    return [
        Line(
            draw(st.dates(march(1), march(31))), draw(st.sampled_from(Direction)), draw(AMOUNTS), payee := draw(PAYEES),
            account(payee) if payee and draw(st.booleans()) else None, draw(NUMBERS), draw(NUMBERS),
            number=next(numbers),
        )
        for _ in range(draw(st.integers(0, max_lines)))
    ]  # fmt: skip


@st.composite
def entries(draw, max_entries=7):
    return [
        entry(
            number, draw(DAYS), draw(AMOUNTS), draw(st.sampled_from(NAMES)), direction=draw(st.sampled_from(Direction)),
            reference=draw(NUMBERS), voucher=draw(NUMBERS),
        )
        for number in range(1, draw(st.integers(0, max_entries)) + 1)
    ]  # fmt: skip


@given(lines(), entries(), entries(2))
def test_every_line_and_every_entry_of_the_statement_days_is_listed_once(lines, entries, pending):
    pairings = tie_out(lines, entries, MARCH, pending)
    assert sorted(line.number for each in pairings for line in each.lines) == [line.number for line in lines]
    paired = [entry.version for each in pairings for entry in each.entries]
    assert len(paired) == len(set(paired))
    assert {each.version for each in entries if MARCH.first <= each.on <= MARCH.last} <= set(paired)


@given(lines(), entries())
def test_a_match_has_equal_sums_and_one_line_or_one_entry_or_a_shared_number(lines, entries):
    for each in tie_out(lines, entries, MARCH):
        directions = {one.direction for one in (*each.lines, *each.entries)}
        assert len(directions) == 1
        if not each.differs:
            assert sum(line.amount for line in each.lines) == sum(entry.amount for entry in each.entries)
            one_sided = 1 in (len(each.lines), len(each.entries))
            assert one_sided or {"reference", "voucher"} & set(each.reasons)
            assert 0 < each.confidence <= 100


@given(lines(), entries(), st.randoms())
def test_the_order_of_lines_and_entries_does_not_matter(lines, entries, random):
    before = tie_out(lines, entries, MARCH)
    random.shuffle(lines)
    random.shuffle(entries)
    assert tie_out(lines, entries, MARCH) == before


@given(entries(12), st.randoms())
def test_a_correct_statement_has_no_exception(entries, random):
    """If there is only one payment per payee and direction, the payee, the amount and the day are enough."""
    within = [each for each in entries if MARCH.first <= each.on <= MARCH.last]
    pairs = {(each.payee, each.direction) for each in within}
    assume(len(pairs) == len(within))
    written = [random.choice((line_of, anonymous))(each) for each in within]
    numbered = [replace(line, reference=None, voucher=None) for line in written]
    assert all(not each.differs for each in tie_out(numbered, entries_of(within), MARCH))


def entries_of(within):
    return [replace(each, reference=f"r{each.version}", voucher=f"v{each.version}") for each in within]


@given(entries(12), st.integers(0, 2))
def test_reference_and_voucher_always_identify_the_entry(entries, late):
    """This holds even if payments have the same amount and payee, and if the bank pays up to two days late."""
    within = entries_of(each for each in entries if march(1) <= each.on <= march(28))
    lines = [line_of(each, on=each.on + timedelta(days=late)) for each in within]
    pairings = tie_out(lines, within, MARCH)
    assert [(each.lines[0].number, each.entries[0].version) for each in pairings] == [
        (each.version, each.version) for each in within
    ]
    assert all(not each.differs for each in pairings)
