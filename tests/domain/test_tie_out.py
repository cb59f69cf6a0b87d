"""A statement held against the books: everything once, sums exact, and each kind of difference found by its name."""

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
from domain.tie_out import Days, Entry, Line, tie_out

MARCH = Days(date(2019, 3, 1), date(2019, 3, 31), tolerance=3)
IN, OUT = Direction.IN, Direction.OUT
NAMES = ("甲公司", "乙公司", "丙研究院")


def march(day):
    return date(2019, 3, day)


def account(name):
    return BankAccount(name[:1] * 4, f"digest of {name}")


def entry(number, day, amount, payee="甲公司", **more):
    """A payment, confirmed, with a voucher and a bank reference of its own."""
    told = {
        "account": account(payee),
        "reference": f"银行{number}",
        "voucher": f"凭证{number}",
        "payment": f"P{number}",
    }
    on = march(day) if isinstance(day, int) else day
    at = {"stream": "project/p", "version": number, "position": 100 + number, "type": "PaymentConfirmed"}
    return Entry(**{**at, "on": on, "direction": OUT, "amount": Money(amount), "payee": payee, **told, **more})


def line_of(entry, number=None, **changes):
    """The line that the bank writes of it."""
    return replace(
        Line(
            entry.on, entry.direction, entry.amount, entry.payee, entry.account, entry.reference, entry.voucher,
            number=number or entry.version,
        ),
        **changes,
    )  # fmt: skip


def anonymous(entry, number=None, **changes):
    """A line without any number."""
    return line_of(entry, number, **{"reference": None, "voucher": None, "account": None, **changes})


def told(lines, entries, pending=(), days=MARCH):
    """Each pairing as its lines, its entries, and what is the matter with it."""
    return [
        ([line.number for line in each.lines], [entry.version for entry in each.entries], list(each.differs))
        for each in tie_out(lines, entries, days, pending)
    ]


# One and one ------------------------------------------------------------------


def test_a_line_with_the_numbers_of_an_entry_is_its_own():
    one = entry(1, 5, 100)
    [pairing] = tie_out([line_of(one)], [one], MARCH)
    assert pairing.differs == ()
    assert pairing.reasons == ("reference", "voucher", "amount", "account", "payee", "date")
    assert pairing.confidence == 100


def test_a_line_without_numbers_is_known_by_payee_amount_and_day():
    first, second = entry(1, 5, 100), entry(2, 6, 100, "乙公司")
    lines = [anonymous(second, 1), anonymous(first, 2)]
    assert told(lines, [first, second]) == [([1], [2], []), ([2], [1], [])]
    assert tie_out(lines, [first, second], MARCH)[0].confidence == 50


def test_numbers_and_names_are_the_same_however_they_were_typed():
    one = entry(1, 5, 100, "Ａ（甲）公司", reference="yx—2019 001")
    assert told([line_of(one, payee="A(甲)公司", reference="YX-2019001")], [one]) == [([1], [1], [])]


def test_equal_payments_to_one_payee_are_paired_in_the_order_of_their_days():
    first, second = entry(1, 5, 100), entry(2, 7, 100)
    lines = [anonymous(first, 1, on=march(6)), anonymous(second, 2, on=march(8))]
    assert told(lines, [second, first]) == [([1], [1], []), ([2], [2], [])]


def test_what_lies_beyond_the_statement_s_days_is_not_missed_but_may_be_found():
    before, within = entry(1, date(2019, 2, 28), 100), entry(2, 5, 200)
    assert told([line_of(within, 1)], [before, within]) == [([1], [2], [])]
    assert told([line_of(before, 1, on=march(1))], [before]) == [([1], [1], [Difference.DATE_DIFFERS])]


# One and many -----------------------------------------------------------------


def test_one_line_pays_several_entries_of_one_voucher():
    items = [entry(n, 5, 100 * n, voucher="凭证9") for n in (1, 2, 3)]
    batch = anonymous(items[0], 1, amount=Money(600), voucher="凭证9", payee=None)
    assert told([batch], items) == [([1], [1, 2, 3], [])]


def test_several_lines_pay_one_entry():
    one = entry(1, 5, 300)
    lines = [line_of(one, 1, amount=Money(100)), line_of(one, 2, amount=Money(200), reference="银行另一笔")]
    assert told(lines, [one]) == [([1, 2], [1], [])]


@pytest.mark.parametrize("nameless", [False, True], ids=["to one payee", "without a name"])
def test_a_sum_is_found_without_any_number(nameless):
    two = [entry(1, 5, 100), entry(2, 5, 250)]
    line = anonymous(two[0], 1, amount=Money(350), **({"payee": None} if nameless else {}))
    [pairing] = tie_out([line], [*two, entry(3, 20, 350, "乙公司")], replace(MARCH, last=march(19)))
    assert [each.version for each in pairing.entries] == [1, 2]
    assert "sum" in pairing.reasons


def test_several_lines_come_to_one_entry_without_any_number():
    one = entry(1, 5, 350)
    lines = [anonymous(one, 1, amount=Money(100)), anonymous(one, 2, amount=Money(250))]
    assert told(lines, [one]) == [([1, 2], [1], [])]


def test_a_voucher_of_several_items_is_paired_item_by_item():
    items = [entry(n, 5, 100 * n, name, voucher="凭证9") for n, name in enumerate(NAMES, 1)]
    lines = [line_of(each, reference=None) for each in items]
    assert told(lines, items) == [([n], [n], []) for n in (1, 2, 3)]


# Exceptions -------------------------------------------------------------------


def test_a_line_that_the_books_do_not_have_is_in_the_statement_only():
    one = entry(1, 5, 100)
    fee = Line(march(6), OUT, Money(7), "银行手续费", number=2)
    assert told([line_of(one), fee], [one]) == [([1], [1], []), ([2], [], [Difference.STATEMENT_ONLY])]


def test_a_line_of_a_payment_that_is_not_confirmed_yet_names_it():
    sent = entry(1, 5, 100, reference=None)
    [pairing] = tie_out([line_of(sent)], [], MARCH, [sent])
    assert pairing.differs == (Difference.STATEMENT_ONLY,)
    assert pairing.pending == sent


def test_a_line_that_pays_again_what_another_statement_has_is_a_duplicate():
    paid = entry(1, date(2019, 2, 20), 100)
    [pairing] = tie_out([anonymous(paid, 1, on=march(5))], [], MARCH, settled=[paid])
    assert (pairing.differs, pairing.settled) == ((Difference.DUPLICATE,), paid)


def test_an_entry_that_no_line_has_is_in_the_books_only():
    assert told([], [entry(1, 5, 100)]) == [([], [1], [Difference.LEDGER_ONLY])]


def test_another_amount_under_one_number_is_told():
    one = entry(1, 5, 100)
    assert told([line_of(one, amount=Money(99))], [one]) == [([1], [1], [Difference.AMOUNT_DIFFERS])]


def test_another_amount_to_the_same_payee_is_told_without_a_number():
    one = entry(1, 5, 100)
    assert told([anonymous(one, amount=Money(99))], [one]) == [([1], [1], [Difference.AMOUNT_DIFFERS])]


def test_another_payee_under_one_number_is_told():
    one = entry(1, 5, 100)
    line = line_of(one, payee="丁公司", account=account("丁公司"))
    assert told([line], [one]) == [([1], [1], [Difference.PAYEE_DIFFERS])]


def test_another_account_of_the_same_name_is_another_payee():
    one = entry(1, 5, 100)
    line = line_of(one, account=account("另一账户"))
    assert told([line], [one]) == [([1], [1], [Difference.PAYEE_DIFFERS])]


def test_another_day_is_told_when_it_is_far_off_or_in_another_month():
    one, edge = entry(1, 5, 100), entry(2, 31, 200)
    assert told([line_of(one, on=march(8))], [one]) == [([1], [1], [])]
    assert told([line_of(one, on=march(9))], [one]) == [([1], [1], [Difference.DATE_DIFFERS])]
    assert told([line_of(edge, on=date(2019, 4, 1))], [edge]) == [([2], [2], [Difference.DATE_DIFFERS])]
    assert told([anonymous(one, on=march(25))], [one]) == [([1], [1], [Difference.DATE_DIFFERS])]


def test_the_worst_difference_stands_first():
    one = entry(1, 5, 100)
    line = line_of(one, amount=Money(99), payee="丁公司", account=None, on=march(20))
    [(_, _, differs)] = told([line], [one])
    assert differs == [Difference.AMOUNT_DIFFERS, Difference.PAYEE_DIFFERS, Difference.DATE_DIFFERS]


@pytest.mark.parametrize("with_numbers", [True, False])
def test_a_line_that_stands_twice_is_a_duplicate(with_numbers):
    one = entry(1, 5, 100)
    write = line_of if with_numbers else anonymous
    lines = [write(one, 1), write(one, 2)]
    assert told(lines, [one]) == [([1], [1], []), ([2], [], [Difference.DUPLICATE])]
    assert tie_out(lines, [one], MARCH)[1].twin == 1


def test_a_duplicate_does_not_take_the_payment_of_another_day():
    first, later = entry(1, 5, 100), entry(2, 28, 100)
    lines = [anonymous(first, 1), anonymous(first, 2), anonymous(later, 3)]
    assert told(lines, [first, later]) == [([1], [1], []), ([2], [], [Difference.DUPLICATE]), ([3], [2], [])]


def test_money_that_came_back_may_come_from_a_bank():
    back = entry(1, 5, 100, direction=IN, type="PaymentReturned")
    line = line_of(back, payee="待退票户", account=None, voucher=None, reference=None)
    assert told([line], [back]) == [([1], [1], [])]


def test_what_went_out_is_never_taken_for_what_came_in():
    one = entry(1, 5, 100)
    assert told([line_of(one, direction=IN)], [one]) == [
        ([1], [], [Difference.STATEMENT_ONLY]),
        ([], [1], [Difference.LEDGER_ONLY]),
    ]


def test_numbers_of_two_payments_are_never_taken_for_one():
    one = entry(1, 5, 100, voucher=None)
    other = line_of(one, reference="银行另一笔", payee="丁公司", account=None)
    assert [each for _, _, each in told([other], [one])] == [[Difference.STATEMENT_ONLY], [Difference.LEDGER_ONLY]]


def test_lines_and_entries_of_one_sum_and_other_amounts_do_not_agree():
    """Of one voucher: 6000 and 4000 were paid, 7000 and 3000 booked."""
    booked = [entry(1, 5, 7000, voucher="凭证9"), entry(2, 5, 3000, "乙公司", voucher="凭证9")]
    lines = [
        line_of(booked[0], 1, amount=Money(6000), reference=None),
        line_of(booked[1], 2, amount=Money(4000), reference=None),
    ]
    [(numbers, entries, differs)] = told(lines, booked)
    assert (numbers, entries) == ([1, 2], [1, 2])
    assert Difference.AMOUNT_DIFFERS in differs


def test_two_payments_under_one_reference_of_the_bank_are_no_duplicates():
    """As of a batch: another payee, or another day, is another payment."""
    first, second = entry(1, 5, 100, reference="批次7"), entry(2, 5, 100, "乙公司", reference=None)
    lines = [line_of(first, 1), line_of(second, 2, reference="批次7")]
    assert told(lines, [first, second]) == [([1], [1], []), ([2], [2], [])]
    later = line_of(first, 2, on=march(24))
    assert told([line_of(first, 1), later], [first])[1] == ([2], [], [Difference.STATEMENT_ONLY])


def test_of_distant_days_the_nearest_is_taken():
    far, near = entry(1, date(2019, 2, 10), 100), entry(2, 20, 100)
    assert told([anonymous(near, 1, on=march(27))], [far, near]) == [([1], [2], [Difference.DATE_DIFFERS])]


def test_within_the_tolerance_the_same_month_comes_first():
    before, within = entry(1, date(2019, 2, 28), 100), entry(2, 2, 100)
    assert told([anonymous(within, 1, on=march(3))], [before, within]) == [([1], [2], [])]


def test_an_entry_of_the_very_amount_comes_before_a_sum_of_others():
    three = [entry(1, 5, 100), entry(2, 5, 200, "乙公司"), entry(3, 5, 300, "丙研究院")]
    assert told([anonymous(three[2], 1, payee=None)], three)[0] == ([1], [3], [])


@pytest.mark.parametrize("late", [0, 2])
def test_a_payment_of_other_numbers_is_another_however_alike(late):
    one = entry(1, 5, 100)
    other = line_of(one, reference="银行9", voucher="凭证9", on=march(5 + late))
    assert told([other], [one]) == [([1], [], [Difference.STATEMENT_ONLY]), ([], [1], [Difference.LEDGER_ONLY])]


def test_a_reference_counts_more_than_a_voucher():
    first, second = entry(1, 5, 100, reference="R1", voucher="V1"), entry(2, 5, 100, reference="R2", voucher="V2")
    assert told([line_of(first, 1, reference="R2", voucher="V1")], [first, second])[0][1] == [2]


def test_a_line_that_names_one_of_two_payees_names_the_wrong_one_for_the_other():
    two = [entry(1, 5, 100, reference="R"), entry(2, 5, 100, "乙公司", reference="R")]
    line = line_of(two[0], 1, amount=Money(200), voucher=None)
    assert told([line], two) == [([1], [1, 2], [Difference.PAYEE_DIFFERS])]


def test_vouchers_of_two_years_are_two_vouchers():
    days = Days(date(2020, 1, 1), date(2020, 1, 31), 3)
    old = entry(1, date(2019, 12, 5), 100, voucher="001", reference=None)
    right = entry(2, date(2020, 1, 3), 250, "乙公司", voucher=None, reference=None)
    line = line_of(right, 1, voucher="001")
    assert told([line], [old, right], days=days) == [([1], [2], [])]


def test_a_voucher_that_was_typed_twice_does_not_make_a_payment_a_duplicate():
    first, second = entry(1, 5, 100, reference=None), entry(2, 5, 100, reference=None)
    lines = [line_of(first, 1), line_of(second, 2, voucher=first.voucher)]
    assert [each for each in told(lines, [first, second]) if not each[2]] == [([1], [1], [])]
    other = entry(3, 5, 100, "乙公司", reference=None, voucher=None)
    assert told([line_of(first, 1), line_of(other, 3, voucher=first.voucher)], [first, other]) == [
        ([1], [1], []), ([3], [3], []),
    ]  # fmt: skip


def test_the_order_of_a_day_s_lines_decides_nothing():
    one = entry(1, 5, 100)
    nameless, named = anonymous(one, 1, payee=None), anonymous(one, 2, payee="丁公司")
    for first, second in ((nameless, named), (replace(named, number=1), replace(nameless, number=2))):
        found = tie_out([first, second], [one], MARCH)
        [pairing] = [each for each in found if each.entries]
        assert pairing.lines[0].payee is None
        assert pairing.differs == ()


def test_of_a_masked_account_the_digits_that_are_told_are_compared():
    one = entry(1, 5, 100)
    masked = BankAccount(one.account.last4, "")
    assert told([line_of(one, account=masked)], [one]) == [([1], [1], [])]
    other = BankAccount("9999", "")
    assert told([line_of(one, account=other)], [one]) == [([1], [1], [Difference.PAYEE_DIFFERS])]


@pytest.mark.parametrize("amount", [100, 101])
def test_thousands_of_equal_lines_and_entries_are_tied_out_in_seconds(amount):
    entries = [entry(n, 5, 100, voucher="V", reference=None) for n in range(1, 2_001)]
    lines = [line_of(each, amount=Money(amount)) for each in entries]
    begun = time.process_time()
    tie_out(lines, entries, MARCH)
    assert time.process_time() - begun < 20, "not quadratic: it was minutes"


# Properties -------------------------------------------------------------------

DAYS = st.dates(date(2019, 2, 20), date(2019, 4, 10))
AMOUNTS = st.integers(1, 6).map(lambda n: Money(n * 100))
NUMBERS = st.none() | st.sampled_from(["1", "2", "3"])
WHO = st.none() | st.sampled_from(NAMES)


@st.composite
def lines(draw, most=7):
    numbers = count(1)
    return [
        Line(
            draw(st.dates(march(1), march(31))), draw(st.sampled_from(Direction)), draw(AMOUNTS), payee := draw(WHO),
            account(payee) if payee and draw(st.booleans()) else None, draw(NUMBERS), draw(NUMBERS),
            number=next(numbers),
        )
        for _ in range(draw(st.integers(0, most)))
    ]  # fmt: skip


@st.composite
def entries(draw, most=7):
    return [
        entry(
            number, draw(DAYS), draw(AMOUNTS), draw(st.sampled_from(NAMES)), direction=draw(st.sampled_from(Direction)),
            reference=draw(NUMBERS), voucher=draw(NUMBERS),
        )
        for number in range(1, draw(st.integers(0, most)) + 1)
    ]  # fmt: skip


@given(lines(), entries(), entries(2))
def test_every_line_and_every_entry_of_the_days_is_told_once(lines, entries, pending):
    pairings = tie_out(lines, entries, MARCH, pending)
    assert sorted(line.number for each in pairings for line in each.lines) == [line.number for line in lines]
    paired = [entry.version for each in pairings for entry in each.entries]
    assert len(paired) == len(set(paired))
    assert {each.version for each in entries if MARCH.first <= each.on <= MARCH.last} <= set(paired)


@given(lines(), entries())
def test_what_agrees_comes_to_the_same_and_is_one_on_a_side_or_shares_a_number(lines, entries):
    for each in tie_out(lines, entries, MARCH):
        directions = {one.direction for one in (*each.lines, *each.entries)}
        assert len(directions) == 1
        if not each.differs:
            assert sum(line.amount for line in each.lines) == sum(entry.amount for entry in each.entries)
            one_sided = 1 in (len(each.lines), len(each.entries))
            assert one_sided or {"reference", "voucher"} & set(each.reasons)
            assert 0 < each.confidence <= 100


@given(lines(), entries(), st.randoms())
def test_the_order_in_which_things_come_changes_nothing(lines, entries, random):
    before = tie_out(lines, entries, MARCH)
    random.shuffle(lines)
    random.shuffle(entries)
    assert tie_out(lines, entries, MARCH) == before


@given(entries(12), st.randoms())
def test_a_right_statement_has_no_exception(entries, random):
    """Whatever the bank leaves out, as long as it tells payee, amount and day and each payment stands once."""
    within = [each for each in entries if MARCH.first <= each.on <= MARCH.last]
    alone = {(each.payee, each.direction) for each in within}
    assume(len(alone) == len(within))
    written = [random.choice((line_of, anonymous))(each) for each in within]
    numbered = [replace(line, reference=None, voucher=None) for line in written]
    assert all(not each.differs for each in tie_out(numbered, entries_of(within), MARCH))


def entries_of(within):
    return [replace(each, reference=f"r{each.version}", voucher=f"v{each.version}") for each in within]


@given(entries(12), st.integers(0, 2))
def test_the_bank_s_own_numbers_always_lead_to_the_entry(entries, late):
    """However many payments look alike, and a few days late."""
    within = entries_of(each for each in entries if march(1) <= each.on <= march(28))
    lines = [line_of(each, on=each.on + timedelta(days=late)) for each in within]
    pairings = tie_out(lines, within, MARCH)
    assert [(each.lines[0].number, each.entries[0].version) for each in pairings] == [
        (each.version, each.version) for each in within
    ]
    assert all(not each.differs for each in pairings)
