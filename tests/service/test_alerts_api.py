"""Alerts and clocks computed from the tables: money never paid, paid in December, or paid to another payee."""

from datetime import date

import pytest

from domain.fund.funding import AllotmentWithdrawn, FundsAllotted
from domain.project.payment import PaymentConfirmed
from domain.project.recovery import RecoveryOrdered, RecoveryReceived
from tests.lives import FUND, PROJECT, actual, allotted, founded, instructed, line, noticed, paid, row, yuan
from tests.lives import award_list as listed
from tests.posting import open_ledger, put
from tests.scenario import Scenario, day, post

to_a = Scenario().given(*allotted(line()), *noticed())
A_AWARDED = (*allotted(line()), *noticed(), post(PROJECT, listed(to_a, row("a", "30.00", "20.00")), "3-1"))


class Recorded:
    """The alerts and clocks of the service after these posts; `undo` reverses the latest event of a type."""

    def __init__(self, api, *posts):
        self.api, self.scenario = api, Scenario()
        self.add(*posts)

    def add(self, *posts):
        with open_ledger(self.api.url) as ledger:
            put(ledger, posts)
        self.scenario = self.scenario.given(*posts)
        return self

    def undo(self, entry, on, amount=None):
        return self.add(self.scenario.reversing(entry, on, amount))

    def alerts(self, *names):
        self.api.fold()
        alerts = self.api.get("/v1/funds/f/alerts").json["alerts"]
        return [each for each in alerts if each["alert"] in names]

    def clock(self):
        self.api.fold()
        [row] = self.api.get("/v1/funds/f/appropriations").json["appropriations"]
        return row


def test_unpaid_money_of_a_line_and_of_an_award_have_different_alerts(api):
    recorded = Recorded(api, *A_AWARDED)
    alerts = recorded.alerts("never-paid", "never-awarded")
    assert [(each["alert"], each["facts"]["batch"], each["facts"]["amount"]) for each in alerts] == [
        ("never-awarded", 1, "30.00"), ("never-paid", 1, "30.00"), ("never-awarded", 2, "20.00"),
        ("never-paid", 2, "20.00"),
    ]  # fmt: skip
    assert {each["facts"]["since"] for each in alerts} == {"2019-01-06"}
    assert all(api.get(f"/v1/events/{at}").json["type"] == "FundsAllotted" for each in alerts for at in each["events"])
    recorded.add(*paid())
    assert [each["facts"]["batch"] for each in recorded.alerts("never-paid")] == [2]
    recorded.undo(PaymentConfirmed, "3-6")
    assert [each["facts"]["batch"] for each in recorded.alerts("never-paid")] == [1, 2], (
        "a reversed confirmation does not count"
    )


def test_money_is_idle_since_the_allotment_that_is_still_in_force(api):
    recorded = Recorded(api, *allotted(line()), post(FUND, AllotmentWithdrawn("p", 1, yuan("60.00")), "2-1"))
    recorded.add(post(FUND, FundsAllotted("p", 1, yuan("60.00")), "2026-11-1"))
    assert [each["facts"]["batch"] for each in recorded.alerts("never-awarded")] == [2]


def test_the_december_rush_alert_uses_booking_dates_and_excludes_recovered_money(api):
    recorded = Recorded(api, *A_AWARDED, *paid(month="12"))
    [alert] = recorded.alerts("december-rush")
    assert (alert["facts"]["amount"], alert["facts"]["total"]) == ("30.00", "30.00")
    recorded.add(
        post(PROJECT, RecoveryOrdered("R1", "P1", yuan("30.00"), day("2020-3-1"), "违规"), "2020-1-1"),
        post(PROJECT, RecoveryReceived("R1", yuan("30.00")), "2020-2-1"),
    )
    assert recorded.alerts("december-rush") == []


def test_a_payment_of_december_that_is_booked_in_january_counts_in_january(api):
    late = post(PROJECT, PaymentConfirmed("P1", yuan("30.00"), actual()), "12-30", booked="2020-1-3")
    recorded = Recorded(api, *A_AWARDED, *instructed(month="12"), late)
    assert recorded.alerts("december-rush") == []
    payment = api.get("/v1/payments/P1").json
    assert (payment["confirmed_on"], payment["cleared_on"], payment["booked_on"]) == (
        "2019-12-30", "2019-12-30", "2020-01-03",
    )  # fmt: skip


def test_a_payee_other_than_the_award_s_raises_an_alert(api):
    recorded = Recorded(api, *A_AWARDED, *instructed())
    recorded.add(post(PROJECT, PaymentConfirmed("P1", yuan("30.00"), actual("b")), "3-5"))
    [alert] = recorded.alerts("payee-differs")
    assert alert["facts"]["payee"] == "示例b"


def test_the_clock_counts_to_the_first_allotment_that_was_not_reversed(api):
    recorded = Recorded(api, *founded(line()), post(FUND, FundsAllotted("p", 1, yuan("60.00")), "1-20"))
    days = (date(2019, 1, 20) - date(2019, 1, 2)).days
    assert recorded.clock()["days_to_first_allotment"] == days
    recorded.add(
        post(FUND, AllotmentWithdrawn("p", 1, yuan("60.00")), "2-1"),
        post(FUND, FundsAllotted("p", 1, yuan("60.00")), "3-1"),
    ).undo(FundsAllotted, "3-2")
    assert recorded.clock()["days_to_first_allotment"] == days, (
        "the first allotment is in force although its fen were withdrawn"
    )


@pytest.mark.parametrize("parts", [("60.00",), ("20.00", "40.00")])
def test_an_allotment_reversed_in_full_or_in_parts_does_not_count(api, parts):
    recorded = Recorded(api, *founded(line()), post(FUND, FundsAllotted("p", 1, yuan("60.00")), "1-20"))
    at = recorded.scenario.last(FundsAllotted)
    for number, part in enumerate(parts):
        recorded.add(recorded.scenario.reversing(FundsAllotted, f"2-{number + 1}", yuan(part)))
        assert recorded.scenario.last(FundsAllotted) == at
    assert recorded.clock()["days_to_first_allotment"] is None
