from datetime import date

import pytest

from domain.fund.funding import AppropriationReceived
from domain.fund.lifecycle import FundClosed, FundEstablished, PeriodClosed
from domain.posting import PAID, RECOVERED, Place
from domain.project.lifecycle import ProjectOpened
from domain.project.payment import PaymentReturned
from domain.rules.every_post import PeriodIsClosed
from domain.rules.fund import PeriodNotOver, PeriodOutOfTurn
from tests.lives import FUND, SETTINGS, awarded, closed_months, founded, line, paid, request, yuan
from tests.scenario import Scenario, post

january = Scenario().given(post(FUND, FundEstablished("专项资金", SETTINGS), "1-15"))
march_closed = awarded().given(*closed_months(1, 3))


def closing(period: str, on: str):
    return post(FUND, PeriodClosed(period), on)


def test_the_first_period_is_the_month_in_which_the_fund_was_established():
    january.when(closing("2019-02", "3-1")).refused(PeriodOutOfTurn, period="2019-02", expected="2019-01")
    january.when(closing("2018-12", "3-1")).refused(PeriodOutOfTurn, expected="2019-01")
    january.when(closing("2019-01", "2-1")).moves()


def test_periods_are_closed_one_after_the_other_and_each_once():
    closed = january.given(closing("2019-01", "2-1"))
    closed.when(closing("2019-01", "2-2")).refused(PeriodOutOfTurn, expected="2019-02")
    closed.when(closing("2019-03", "4-1")).refused(PeriodOutOfTurn, expected="2019-02")
    closed.when(closing("2019-02", "3-1")).accepted()


def test_december_is_followed_by_january():
    year = january.given(*closed_months(1, 12))
    year.when(closing("2020-01", "2020-2-1")).accepted()


@pytest.mark.parametrize(("period", "last_day"), [("2019-01", "1-31"), ("2019-02", "2-28")])
def test_a_period_cannot_be_closed_before_it_is_over(period, last_day):
    ledger = january if period == "2019-01" else january.given(closing("2019-01", "2-1"))
    month, number = last_day.split("-")
    ledger.when(closing(period, last_day)).refused(PeriodNotOver, last_day=date(2019, int(month), int(number)))


def test_the_fund_and_its_projects_refuse_bookings_in_a_closed_period():
    through = date(2019, 3, 31)
    for stream, fact in ((FUND, AppropriationReceived(yuan("1.00"), 2019)), ("project/p", request().fact)):
        late = post(stream, fact, "3-20", booked="3-31")
        march_closed.when(late).refused(PeriodIsClosed, booked_on=through, closed_through=through)
        march_closed.when(post(stream, fact, "3-20", booked="4-4")).accepted()


def test_a_late_fact_keeps_its_date_and_is_booked_in_the_open_period():
    [event] = march_closed.when(request(on="3-20")).events()
    assert event.header.occurred_on == date(2019, 3, 20)
    assert event.booked_on == date(2019, 4, 1)


def test_a_project_cannot_be_opened_in_a_closed_period_of_its_fund():
    unopened = Scenario().given(*founded(line())[:-1], *closed_months(1, 1))
    unopened.when(post("project/p", ProjectOpened("f"), "1-5", booked="1-31")).refused(PeriodIsClosed)
    [event] = unopened.when(post("project/p", ProjectOpened("f"), "1-5")).events()
    assert event.booked_on == date(2019, 2, 1)


def test_a_period_can_be_closed_after_later_days_have_bookings():
    later = awarded().given(request(on="5-2"))
    later.when(closing("2019-01", "5-3")).accepted()


def test_each_fund_closes_its_own_periods():
    other = march_closed.given(post("fund/g", FundEstablished("另一专项", SETTINGS), "2-1"))
    other.when(post("fund/g", AppropriationReceived(yuan("1.00"), 2019), "3-1", booked="3-1")).accepted()


def test_a_closed_fund_can_still_close_its_periods():
    ended = january.given(post(FUND, FundClosed(), "1-20"))
    ended.when(closing("2019-01", "2-1")).accepted()


def test_a_return_that_is_booked_in_the_next_year_is_recovered_by_the_fund():
    """The year of a return is the year of its booking date; the date of occurrence does not count."""
    december = awarded().given(*paid(month="12"), *closed_months(1, 12))
    back = post("project/p", PaymentReturned("P1", yuan("30.00"), passive=True, reason="退票"), "12-30")
    december.when(back).moves((PAID, RECOVERED, "30.00"))
    after = december.given(back).ledger.fund("f")
    assert after.accounts.balance(RECOVERED, Place("p", 1, "L-a")) == yuan("30.00")


def test_a_closed_period_stays_closed():
    """Nothing can be booked in a closed period. test_reversal_refused.py tests that the closing cannot be reversed."""
    closed = january.given(closing("2019-01", "2-1"))
    assert closed.ledger.fund("f").closed_through == date(2019, 1, 31)
    closed.when(post(FUND, AppropriationReceived(yuan("1.00"), 2019), "1-20", booked="1-31")).refused(PeriodIsClosed)
