"""Alerts and clocks computed from the tables: money never paid, paid in December, or paid to another payee."""

from datetime import date

import pytest

from domain.documents import Document
from domain.fund.funding import AllotmentWithdrawn, AppropriationReceived, FundsAllotted
from domain.fund.reconciliation import CASH, CashEntry, Direction, Match, StatementReconciled
from domain.money import Money
from domain.project.payment import PaymentConfirmed, PaymentReturned
from domain.project.recovery import RecoveryOrdered, RecoveryReceived
from service.api.resources import alerts as alerts_resource
from service.postgres import snapshots
from tests.lives import FUND, PROJECT, actual, allotted, founded, instructed, line, noticed, paid, revised, row, yuan
from tests.lives import award_list as listed
from tests.posting import open_ledger, put
from tests.scenario import Scenario, day, post

to_a = Scenario().given(*allotted(line()), *noticed())
A_AWARDED = (*allotted(line()), *noticed(), post(PROJECT, listed(to_a, row("a", "30.00", "20.00")), "3-1"))


class Recorded:
    """The service after the posts `posts`, with its alerts and its clocks of appropriations.

    `undo` reverses the latest event of a type.
    """

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

    def days_to_allotment(self):
        self.api.fold()
        rows = self.api.get("/v1/funds/f/appropriations").json["appropriations"]
        return [row["days_to_first_allotment"] for row in rows]

    def clock(self):
        self.api.fold()
        [row] = self.api.get("/v1/funds/f/appropriations").json["appropriations"]
        return row


def test_an_answer_lists_the_first_alerts_of_a_kind_and_counts_the_others(api, monkeypatch):
    monkeypatch.setattr(alerts_resource, "MAX_OF_A_KIND", 1)
    recorded = Recorded(api, *A_AWARDED, *(post(FUND, AppropriationReceived(yuan("1.00"), 2018), "1-7") for _ in "12"))
    api.fold()
    answer = api.get("/v1/funds/f/alerts").json
    assert answer["left_out"] == {"never-paid": 1, "never-awarded": 1, "unspent": 2}
    names = [each["alert"] for each in answer["alerts"]]
    assert sorted(names) == sorted(set(names))
    monkeypatch.undo()
    assert len(recorded.alerts("never-paid", "never-awarded", "unspent")) == 3 + 4
    assert api.get("/v1/funds/f/alerts").json["left_out"] == {}


def test_an_entry_reversed_in_part_counts_only_for_the_appropriations_whose_fen_it_still_has(api):
    recorded = Recorded(
        api,
        *founded(line()),
        post(FUND, AppropriationReceived(yuan("50.00"), 2018), "1-6"),
        post(FUND, revised(line(amounts=("120.00", "30.00"))), "1-7"),
        post(FUND, FundsAllotted("p", 1, yuan("120.00")), "1-8"),
    )
    assert recorded.days_to_allotment() == [6, 2]
    recorded.undo(FundsAllotted, "1-9", yuan("100.00"))  # the fen with the lowest serials, as everywhere
    assert recorded.days_to_allotment() == [None, 2]


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


def never_paid(answer):
    return [each["facts"]["batch"] for each in answer["alerts"] if each["alert"] == "never-paid"]


def test_the_tables_and_the_states_of_an_answer_are_of_one_position(api):
    recorded = Recorded(api, *A_AWARDED)
    recorded.alerts()
    folded = api.get("/v1/funds/f/alerts").json
    assert folded["as_of"] == folded["states_as_of"]
    recorded.add(*paid(), post(PROJECT, RecoveryOrdered("R1", "P1", yuan("30.00"), day("4-1"), "违规"), "3-6"))
    assert api.get("/v1/funds/f/alerts").json == folded, "of the earlier position, with the alerts of that position"
    api.fold()
    answer = api.get("/v1/funds/f/alerts").json
    last = api.get("/v1/events?limit=1000").json[-1]["position"]
    assert (answer["as_of"]["position"], answer["states_as_of"]["position"]) == (last, last)
    assert never_paid(answer) == [2]
    assert "recovery" in {each["alert"] for each in answer["alerts"]}


def test_alerts_wait_for_the_tables_to_reach_a_position(api, monkeypatch):
    recorded = Recorded(api, *A_AWARDED, *paid())
    last = api.get("/v1/events?limit=1000").json[-1]["position"]
    monkeypatch.setattr(snapshots, "WAIT_SECONDS", 0.02)
    late = api.get(f"/v1/funds/f/alerts?min_position={last}")
    assert (late.status_code, late.json["position"]) == (503, 0)
    assert api.get(f"/v1/funds/f/alerts?min_position={last + 1}").status_code == 404
    recorded.alerts()
    answer = api.get(f"/v1/funds/f/alerts?min_position={last}")
    assert (answer.status_code, answer.json["as_of"]["position"]) == (200, last)
    assert never_paid(answer.json) == [2]


def test_states_that_are_cached_at_a_later_position_do_not_count(api, monkeypatch):
    recorded = Recorded(api, *A_AWARDED)
    recorded.alerts()
    folded = api.get("/v1/funds/f/alerts").json
    recorded.add(*paid(), post(PROJECT, RecoveryOrdered("R1", "P1", yuan("30.00"), day("4-1"), "违规"), "3-6"))
    assert api.get("/v1/projects/p/why?batch=1&award=L-a").json["as_of"] != folded["as_of"]
    monkeypatch.setattr(snapshots, "WAIT_SECONDS", 0.02)
    assert api.get("/v1/funds/f/alerts").json == folded


def statement(recorded, *listed, on, last_day="4-30"):
    """A post that accepts a statement. `listed`: the types of the entries in the statement, each with its amount.

    Of each type, the latest entry is listed.
    """
    entries = [(recorded.scenario.last(entry), entry.__name__, yuan(amount)) for entry, amount in listed]
    sums = {direction: Money(sum(a for _, name, a in entries if CASH[name] is direction)) for direction in Direction}
    matches = tuple(
        Match((number,), (CashEntry(at.stream, at.version, amount),), ("amount",), 50)
        for number, (at, _, amount) in enumerate(entries, 1)
    )
    fact = StatementReconciled(
        "a" * 64, day("3-1"), day(last_day), 1, len(entries), sums[Direction.IN], sums[Direction.OUT], matches
    )
    return post(FUND, fact, on)


def outdated_since(api):
    """For each acceptance in force: the reversal of an entry that the acceptance lists, or None."""
    api.fold()
    rows = api.get("/v1/reconciliations?fund=f").json["reconciliations"]
    return [row["outdated_since"] for row in rows if row["status"] == "accepted"]


RETURNED = post(PROJECT, PaymentReturned("P1", yuan("10.00"), passive=False, reason="退款"), "4-1")


def test_the_reversal_of_an_entry_of_an_accepted_statement_is_shown_until_it_is_accepted_again(api):
    recorded = Recorded(api, *A_AWARDED, *paid())
    recorded.add(statement(recorded, (PaymentConfirmed, "30.00"), on="5-1"))
    assert outdated_since(api) == [None]
    assert recorded.alerts("statement-outdated") == []
    at = recorded.scenario.last(PaymentConfirmed)
    recorded.undo(PaymentConfirmed, "5-2")
    [since] = outdated_since(api)
    assert since == {
        "position": since["position"], "stream": PROJECT, "version": at.version + 1,
        "entry": "PaymentConfirmed", "entry_version": at.version,
    }  # fmt: skip
    assert api.get(f"/v1/events/{since['position']}").json["type"] == "EntryReversed"
    [alert] = recorded.alerts("statement-outdated")
    assert alert["facts"]["first_day"] == "2019-03-01"
    assert "PaymentConfirmed, version" in alert["sentence"]
    assert "（支付确认）" in alert["sentence_zh"]
    assert [api.get(f"/v1/events/{each}").json["type"] for each in alert["events"]] == [
        "StatementReconciled", "EntryReversed",
    ]  # fmt: skip
    recorded.add(statement(recorded, (PaymentConfirmed, "30.00"), on="5-3"))
    assert outdated_since(api) == [since], "accepted again with the reversed entry"
    recorded.add(statement(recorded, on="5-4"))
    assert outdated_since(api) == [None]
    assert recorded.alerts("statement-outdated") == []
    recorded.undo(StatementReconciled, "5-5")
    assert outdated_since(api) == [since], "the acceptance before it is in force again"


def test_an_entry_reversed_in_part_is_outdated_only_in_an_acceptance_that_lists_more_than_is_left(api):
    recorded = Recorded(api, *A_AWARDED, *paid(), RETURNED)
    recorded.undo(PaymentReturned, "4-2", yuan("2.00"))
    recorded.add(statement(recorded, (PaymentConfirmed, "30.00"), (PaymentReturned, "8.00"), on="5-1"))
    assert outdated_since(api) == [None], "the statement was compared after the first reversal"
    recorded.undo(PaymentReturned, "5-2", yuan("3.00"))
    [since] = outdated_since(api)
    assert (since["entry"], since["version"]) == ("PaymentReturned", recorded.scenario.ledger.stream(PROJECT).version)
    recorded.undo(PaymentReturned, "5-3", yuan("1.00"))
    assert outdated_since(api) == [since], "the first reversal counts"
    recorded.add(statement(recorded, (PaymentConfirmed, "30.00"), (PaymentReturned, "4.00"), on="5-4"))
    assert outdated_since(api) == [None]
    assert recorded.alerts("statement-outdated") == []


def test_an_acceptance_that_was_itself_reversed_has_no_alert(api):
    recorded = Recorded(api, *A_AWARDED, *paid())
    recorded.add(statement(recorded, (PaymentConfirmed, "30.00"), on="5-1"))
    recorded.undo(PaymentConfirmed, "5-2").undo(StatementReconciled, "5-3")
    assert recorded.alerts("statement-outdated") == []


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


def test_a_number_that_two_senders_have_used_is_reported_once_until_it_is_free_again(api):
    def received(order, amount, on, source):
        return post(PROJECT, RecoveryReceived(order, yuan(amount)), on, cites=(Document("缴款书", "7"),), source=source)

    ordered = post(PROJECT, RecoveryOrdered("R1", "P1", yuan("15.00"), day("5-1"), "多付"), "4-1")
    recorded = Recorded(api, *A_AWARDED, *paid(), ordered, received("R1", "5.00", "4-2", "/test"))
    assert recorded.alerts("number-shared") == []
    recorded.add(received("R1", "5.00", "4-3", "/another"))
    [alert] = recorded.alerts("number-shared")
    assert (alert["facts"], alert["project"]) == ({"kind": "缴款书", "number": "2019/7/1"}, "p")
    assert [api.get(f"/v1/events/{at}").json["data"]["source"] for at in alert["events"]] == ["/another", "/test"]
    recorded.undo(RecoveryReceived, "4-4")
    assert recorded.alerts("number-shared") == []
