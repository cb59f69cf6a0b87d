"""A statement is accepted if every line is matched or explained and the ledger has the entries that it names."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.fund.funding import AppropriationReceived, SurplusSurrendered
from domain.fund.lifecycle import FundClosed, PeriodClosed, SettingsChanged
from domain.fund.reconciliation import (
    SIDES,
    CashEntry,
    Difference,
    Direction,
    Exceptional,
    Match,
    StatementLine,
    StatementReconciled,
)
from domain.posting import POOL
from domain.project.lifecycle import ProjectClosed
from domain.project.payment import PaymentConfirmed, PaymentReturned
from domain.rules.every_post import BeforeItsCause, UnknownEntry, WindowEmpty
from domain.rules.reconciliation import (
    EntryListedTwice,
    ExceptionMisnamed,
    ExceptionUnexplained,
    LineNotOnce,
    LineOutsideDays,
    NotAsRecorded,
    NotCash,
    PeriodNotReconciled,
    StatementDoesNotTie,
    StatementTooLong,
)
from domain.rules.reversal import NotTheLast
from tests.lives import FUND, SETTINGS, awarded, closed_months, paid, wholly_paid, yuan
from tests.scenario import day, post

ledger = awarded().given(*paid())
CONFIRMED = ledger.last(PaymentConfirmed)
PAID = CashEntry(CONFIRMED.stream, CONFIRMED.version, yuan("30.00"))
FEE = StatementLine(2, day("3-6"), Direction.OUT, yuan("0.50"), "银行")
STATEMENT = StatementReconciled(
    file_sha256="a" * 64,
    first_day=day("3-1"),
    last_day=day("3-31"),
    position=40,
    lines=2,
    received=yuan("0.00"),
    paid_out=yuan("30.50"),
    matches=(Match((1,), (PAID,), ("reference", "amount"), 85),),
    exceptions=(Exceptional(Difference.STATEMENT_ONLY, (FEE,), (), "银行手续费，不属本资金"),),
)


def accepting(on="4-1", **changes):
    return post(FUND, replace(STATEMENT, **changes), on)


def test_a_matched_and_explained_statement_is_accepted_and_moves_no_money():
    ledger.when(accepting()).moves()


def test_an_exception_without_an_explanation_is_refused():
    unexplained = replace(STATEMENT.exceptions[0], explanation=None)
    ledger.when(accepting(exceptions=(unexplained,))).refused(
        ExceptionUnexplained, difference="statement_only", about="#2"
    )


@pytest.mark.parametrize(
    ("changes", "line", "times"),
    [
        ({"lines": 3}, 3, 0),
        ({"lines": 1}, 2, 1),
        ({"exceptions": (replace(STATEMENT.exceptions[0], lines=(FEE, replace(FEE, number=1))),)}, 1, 2),
    ],
)
def test_each_statement_line_must_be_listed_exactly_once(changes, line, times):
    ledger.when(accepting(**changes)).refused(LineNotOnce, line=line, times=times)


@pytest.mark.parametrize("kind", Difference)
def test_an_exception_must_have_lines_and_entries_as_its_kind_requires(kind):
    lines, entries = SIDES[kind]
    for with_line in (True, False):
        for with_entry in (True, False):
            made = Exceptional(kind, (FEE,) * with_line, (PAID,) * with_entry, "已核实")
            posted = ledger.when(accepting(matches=(), exceptions=(made,), lines=1))
            if (with_line, with_entry) == (lines, entries):
                posted.refused(LineNotOnce)  # the sides are right, so a later check refuses it
            else:
                posted.refused(ExceptionMisnamed, lines=int(with_line), entries=int(with_entry))


def test_an_entry_that_is_listed_twice_is_refused():
    also = Exceptional(Difference.LEDGER_ONLY, (), (PAID,), "在途")
    ledger.when(accepting(exceptions=(*STATEMENT.exceptions, also))).refused(EntryListedTwice, version=PAID.version)


def test_an_entry_must_exist_in_the_ledger():
    for stream, version in (("project/p", 999), ("project/none", 1)):
        unknown = Exceptional(Difference.LEDGER_ONLY, (), (CashEntry(stream, version, yuan("1.00")),), "在途")
        ledger.when(accepting(exceptions=(*STATEMENT.exceptions, unknown))).refused(UnknownEntry, version=version)


def test_an_entry_that_is_not_cash_is_refused():
    for version in (1, 2):
        wrong = Exceptional(Difference.LEDGER_ONLY, (), (CashEntry(FUND, version, yuan("1.00")),), "在途")
        ledger.when(accepting(exceptions=(*STATEMENT.exceptions, wrong))).refused(NotCash, version=version)


def test_a_surrender_from_the_pool_is_not_cash():
    surrendered = wholly_paid().given(
        post(FUND, AppropriationReceived(yuan("5.00"), 2019), "7-6"),
        post(FUND, SurplusSurrendered(POOL, yuan("5.00")), "7-7"),
    )
    version = surrendered.last(SurplusSurrendered).version
    wrong = Exceptional(Difference.LEDGER_ONLY, (), (CashEntry(FUND, version, yuan("5.00")),), "在途")
    posted = post(FUND, replace(STATEMENT, exceptions=(*STATEMENT.exceptions, wrong)), "8-1")
    surrendered.when(posted).refused(NotCash, version=version)


@pytest.mark.parametrize(("amount", "total"), [("30.01", "30.51"), ("29.99", "30.49")])
def test_a_matched_payment_must_have_its_recorded_amount(amount, total):
    match = replace(STATEMENT.matches[0], entries=(replace(PAID, amount=yuan(amount)),))
    ledger.when(accepting(matches=(match,), paid_out=yuan(total))).refused(NotAsRecorded, recorded=yuan("30.00"))


def test_a_partly_reversed_return_can_be_matched_with_less_but_not_more_than_recorded():
    back = post("project/p", PaymentReturned("P1", yuan("20.00"), passive=False, reason="多付"), "3-20")
    returned = ledger.given(back)
    partly = returned.given(returned.reversing(PaymentReturned, "3-21", yuan("5.00")))
    at = partly.last(PaymentReturned)
    matched = Match((3,), (CashEntry(at.stream, at.version, yuan("15.00")),), ("amount",), 25)
    with_return = replace(STATEMENT, lines=3, received=yuan("15.00"), matches=(*STATEMENT.matches, matched))
    partly.when(post(FUND, with_return, "4-1")).accepted()
    more = replace(matched, entries=(replace(matched.entries[0], amount=yuan("20.01")),))
    too_much = replace(with_return, received=yuan("20.01"), matches=(*STATEMENT.matches, more))
    partly.when(post(FUND, too_much, "4-1")).refused(NotAsRecorded, recorded=yuan("20.00"))


@pytest.mark.parametrize(("total", "direction"), [("paid_out", "out"), ("received", "in")])
def test_the_statement_totals_must_equal_the_sums_of_its_matches_and_exceptions(total, direction):
    off = replace(STATEMENT, **{total: yuan("31.00")})
    ledger.when(post(FUND, off, "4-1")).refused(StatementDoesNotTie, direction=direction, stated=yuan("31.00"))


def test_a_statement_can_be_accepted_from_its_last_day_on():
    ledger.when(accepting("3-30")).refused(BeforeItsCause, cause="statement", cause_on=day("3-31"))
    ledger.when(accepting("3-31")).accepted()
    ledger.when(accepting(last_day=day("2-28"))).refused(WindowEmpty)


def test_a_line_outside_the_days_of_the_statement_is_refused():
    late = replace(STATEMENT.exceptions[0], lines=(replace(FEE, on=day("4-1")),))
    ledger.when(accepting(exceptions=(late,))).refused(LineOutsideDays, line=2, on=day("4-1"))


def test_a_statement_can_cover_at_most_a_year():
    ledger.when(accepting(first_day=day("2018-4-1"))).accepted()
    ledger.when(accepting(first_day=day("2018-3-30"))).refused(StatementTooLong)


def test_one_file_can_be_the_statement_of_several_months():
    """For example, the file of a month without payments has no lines.

    The acceptance of the file for one month does not replace its acceptance for another month.
    """
    both = waiting.given(covering("1-1", "1-31", "b" * 64), covering("2-1", "2-28", "b" * 64))
    closed = both.given(closing("2019-01"))
    closed.when(closing("2019-02")).accepted()
    undone = both.given(both.reversing(StatementReconciled, "5-1"))
    undone.when(closing("2019-01")).accepted()
    undone.given(closing("2019-01")).when(closing("2019-02")).refused(PeriodNotReconciled, day=day("2-1"))


def test_a_statement_without_lines_is_accepted():
    nothing = {"matches": (), "exceptions": (), "lines": 0, "paid_out": yuan("0.00")}
    ledger.when(accepting(**nothing)).accepted()


def test_a_statement_can_be_accepted_again_and_after_the_fund_is_closed():
    done = wholly_paid().given(post(FUND, STATEMENT, "7-6"), post(FUND, STATEMENT, "7-7"))
    ended = done.given(post("project/p", ProjectClosed(), "8-1"), post(FUND, FundClosed(), "8-2"))
    ended.when(post(FUND, STATEMENT, "8-3")).accepted()


# Closing a period -------------------------------------------------------------

strict = replace(SETTINGS, reconcile_before_close=True)
waiting = ledger.given(post(FUND, SettingsChanged(strict), "3-31"))
EMPTY = replace(STATEMENT, lines=0, paid_out=yuan("0.00"), matches=(), exceptions=())


def covering(first, last, sha256="b" * 64, on="5-1"):
    return post(FUND, replace(EMPTY, first_day=day(first), last_day=day(last), file_sha256=sha256), on)


def closing(period, on="5-2"):
    return post(FUND, PeriodClosed(period), on)


def test_without_the_setting_a_period_is_closed_without_a_statement():
    ledger.when(closing("2019-01")).accepted()


def test_with_the_setting_a_period_can_be_closed_only_when_statements_cover_all_its_days():
    waiting.when(closing("2019-01")).refused(PeriodNotReconciled, period="2019-01", day=day("1-1"))
    half = waiting.given(covering("1-1", "1-15"))
    half.when(closing("2019-01")).refused(PeriodNotReconciled, day=day("1-16"))
    whole = half.given(covering("1-16", "1-31", "c" * 64))
    whole.when(closing("2019-01")).accepted()
    whole.given(closing("2019-01")).when(closing("2019-02")).refused(PeriodNotReconciled, day=day("2-1"))


def test_a_reversed_statement_covers_no_days():
    accepted = waiting.given(covering("1-1", "1-31"))
    undone = accepted.given(accepted.reversing(StatementReconciled, "5-1"))
    undone.when(closing("2019-01")).refused(PeriodNotReconciled, day=day("1-1"))


def test_a_statement_cannot_be_reversed_after_a_period_of_its_days_was_closed():
    closed = waiting.given(covering("1-1", "1-31"), closing("2019-01"))
    closed.when(closed.reversing(StatementReconciled, "5-3")).refused(NotTheLast, kind="period", name="2019-01")
    later = closed.given(covering("2-1", "2-28", "c" * 64, "5-3"))
    later.when(later.reversing(StatementReconciled, "5-4")).accepted()


def test_without_the_setting_a_statement_can_be_reversed_after_its_period_was_closed():
    closed = ledger.given(covering("1-1", "1-31"), closing("2019-01"))
    closed.when(closed.reversing(StatementReconciled, "5-3")).accepted()


def test_a_statement_accepted_after_its_period_was_closed_can_be_reversed():
    closed = ledger.given(*closed_months(1, 3), covering("1-1", "1-31"))
    closed.when(closed.reversing(StatementReconciled, "5-3")).accepted()


SPANS = st.tuples(st.integers(1, 31), st.integers(1, 31)).map(sorted)


@given(st.lists(SPANS, max_size=6))
def test_the_first_unreconciled_day_is_the_first_day_in_no_statement(spans):
    scenario = waiting.given(
        *(covering(f"1-{first}", f"1-{last}", f"{number:064}") for number, (first, last) in enumerate(spans))
    )
    covered = {number for first, last in spans for number in range(first, last + 1)}
    missing = next((number for number in range(1, 32) if number not in covered), None)
    first = scenario.ledger.fund("f").first_unreconciled(date(2019, 1, 1), date(2019, 1, 31))
    assert first == (date(2019, 1, missing) if missing else None)
