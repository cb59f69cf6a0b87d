"""Alerts: for each kind of alert, a scenario that raises the alert and the type of the event that the alert cites."""

from datetime import date

import pytest
from msgspec.structs import replace

from domain.alerts import SENTENCES, Urgency, alerts
from domain.fen import MAX_BOUND
from domain.finding import FindingKind, FindingRecorded, FindingSettled, SettledBy
from domain.fund.funding import AppropriationReceived, SurplusSurrendered
from domain.fund.interest import InterestReceived, InterestSurrendered
from domain.fund.lifecycle import FundEstablished, SettingsChanged
from domain.fund.plan import PlanAdopted
from domain.ledger_view import Stream
from domain.project.acceptance import AcceptanceFailed, AcceptancePassed, AcceptanceRequested, RectificationOrdered
from domain.project.amendment import AgreementSigned, AwardDeclined, ExtensionGranted, PayeeChanged
from domain.project.hold import FundsHeld, HoldReleased
from domain.project.lifecycle import ProjectClosed, ProjectOpened
from domain.project.recovery import RecoveryExtended, RecoveryOrdered
from domain.project.selection import ObjectionReceived, ObjectionResolved
from domain.state.fund import Level, Source
from tests.lives import (
    ANOTHER,
    FUND,
    PROJECT,
    SETTINGS,
    allotted,
    awarded,
    called,
    closed_months,
    founded,
    line,
    notice,
    noticed_after,
    only_a_awarded,
    paid,
    payee,
    payee_waiver,
    plan,
    request,
    reviewed,
    revised,
    shown,
    yuan,
)
from tests.scenario import Scenario, day, post

TODAY = date(2019, 9, 1)


def with_settings(**changes) -> Scenario:
    """The scenario with both awards after some settings of the fund were changed."""
    return awarded().given(post(FUND, SettingsChanged(replace(SETTINGS, **changes)), "3-2"))


def failed_midterm() -> Scenario:
    gates, checkpoints = ("midterm", "final"), ("midterm", "final")
    return awarded(line(gates=gates, checkpoints=checkpoints)).given(
        post(PROJECT, AcceptanceRequested("L-a", "midterm"), "6-1"),
        post(PROJECT, AcceptanceFailed("L-a", "未达标", "midterm"), "6-2"),
        post(PROJECT, RectificationOrdered("L-a", day("8-31"), "midterm"), "6-3"),
    )


def failed() -> Scenario:
    return awarded().given(
        *paid(),
        post(PROJECT, AcceptanceRequested("L-a"), "6-1"),
        post(PROJECT, AcceptanceFailed("L-a", "未达标"), "6-2"),
        post(PROJECT, RectificationOrdered("L-a", day("8-31")), "6-3"),
    )


def signed() -> Scenario:
    return awarded().given(post(PROJECT, AgreementSigned("L-a", day("3-2"), day("8-1")), "3-2"))


def signed_until(last_day: str, **changes: object) -> Scenario:
    """The scenario in which the agreement on one award lasts until `last_day`, with changes of the fund's settings."""
    return with_settings(**changes).given(post(PROJECT, AgreementSigned("L-a", day("3-2"), day(last_day)), "3-2"))


def ordered_back() -> Scenario:
    return awarded().given(*paid(), post(PROJECT, RecoveryOrdered("R1", "P1", yuan("1.00"), day("8-1"), "违规"), "4-1"))


EXACT = replace(line(), award_rule="exact")


def closed_short() -> Scenario:
    """A project that its plan requires to have two awards was closed with one, which was declined."""
    return only_a_awarded(EXACT).given(
        post(PROJECT, AwardDeclined("L-a", "放弃"), "3-3"), post(PROJECT, ProjectClosed(), "3-4")
    )


def late_objection() -> Scenario:
    return noticed_after().given(*shown("a", "b"), post(PROJECT, ObjectionReceived("Y1", "不实", "A-a"), "2-20"))


def of_one_source() -> Scenario:
    """A fund whose plan of 100 yuan has one source, which has given 10."""
    whole = replace(plan(line()), sources=(Source("省", "省级", Level.PROVINCIAL, yuan("100.00")),))
    return Scenario().given(
        post(FUND, FundEstablished("专项资金", SETTINGS), "1-1"),
        post(FUND, AppropriationReceived(yuan("10.00"), 2019), "1-2"),
        post(FUND, whole, "1-3"),
        post(FUND, PlanAdopted(3), "1-4"),
        post(PROJECT, ProjectOpened("f"), "1-5"),
    )


HELD = FundsHeld("H1", "法院", "保全")
FOUND = FindingRecorded("W1", FindingKind.USE, "挪用", "审计局")

CASES = [
    ("call-to-close", Urgency.OVERDUE, Scenario().given(*allotted(line()), *called()), "CallPublished"),
    (
        "notice-to-complete",
        Urgency.OVERDUE,
        Scenario().given(*allotted(line()), *reviewed(), post(PROJECT, notice("2-16", "2-20", "a"), "2-16")),
        "NoticeStarted",
    ),
    ("objection-open", Urgency.ODD, late_objection(), "ObjectionReceived"),
    (
        "objection-upheld",
        Urgency.ODD,
        late_objection().given(post(PROJECT, ObjectionResolved("Y1", upheld=True, reason="属实"), "2-22")),
        "ObjectionResolved",
    ),
    ("fewer-awards", Urgency.ODD, only_a_awarded(replace(line(), award_rule="exact")), "AwardListDecided"),
    ("more-awards", Urgency.ODD, awarded().given(post(FUND, revised(line(awards=1)), "3-2")), "AwardListDecided"),
    ("rectification", Urgency.OVERDUE, failed(), "RectificationOrdered"),
    (
        "rectification",
        Urgency.DUE,
        failed().given(
            post(PROJECT, ExtensionGranted("L-a", due_on=day("9-30")), "6-4"),
            post(PROJECT, PayeeChanged("L-a", payee("a"), payee("n"), "分管领导"), "6-5"),
        ),
        "ExtensionGranted",
    ),
    ("checkpoint-rectification", Urgency.OVERDUE, failed_midterm(), "RectificationOrdered"),
    ("agreement-ended", Urgency.OVERDUE, signed(), "AgreementSigned"),
    (
        "agreement-ended",
        Urgency.OVERDUE,
        signed().given(post(PROJECT, ExtensionGranted("L-a", ends_on=day("8-15")), "3-3")),
        "ExtensionGranted",
    ),
    (
        "recovery",
        Urgency.DUE,
        awarded().given(*paid(), post(PROJECT, RecoveryOrdered("R1", "P1", yuan("1.00"), day("9-1"), "违规"), "4-1")),
        "RecoveryOrdered",
    ),
    ("hold-stands", Urgency.ODD, awarded().given(post(PROJECT, HELD, "3-2")), "FundsHeld"),
    (
        "hold-to-renew",
        Urgency.OVERDUE,
        awarded().given(post(PROJECT, replace(HELD, until=day("4-2")), "3-2")),
        "FundsHeld",
    ),
    ("finding-open", Urgency.ODD, awarded().given(post(FUND, FOUND, "3-2")), "FindingRecorded"),
    (
        "finding-due",
        Urgency.OVERDUE,
        awarded().given(post(PROJECT, replace(FOUND, due_on=day("4-2")), "3-2")),
        "FindingRecorded",
    ),
    ("recovery", Urgency.OVERDUE, ordered_back(), "RecoveryOrdered"),
    (
        "recovery",
        Urgency.DUE,
        ordered_back().given(post(PROJECT, RecoveryExtended("R1", day("9-1")), "8-2")),
        "RecoveryExtended",
    ),
    ("acceptance-due", Urgency.DUE, signed_until("8-1", acceptance_months=1), "AgreementSigned"),
    ("acceptance-due", Urgency.DUE, signed_until("9-1", acceptance_months=0), "AgreementSigned"),
    ("acceptance-due", Urgency.OVERDUE, signed_until("7-31", acceptance_months=1), "AgreementSigned"),
    ("awards-missing", Urgency.ODD, closed_short(), "ProjectClosed"),
    (
        "waiver",
        Urgency.ODD,
        awarded().given(post(PROJECT, payee_waiver("L-a"), "3-2", **ANOTHER)),
        "WaiverGranted",
    ),
    (
        "plan-exceeds-pool",
        Urgency.ODD,
        (funded := Scenario().given(*founded(line()))).given(funded.reversing(AppropriationReceived, "1-6")),
        "PlanAdopted",
    ),
    ("source-behind", Urgency.ODD, of_one_source(), "PlanAdopted"),
    (
        "plan-exceeds-sources",
        Urgency.ODD,
        of_one_source().given(post(FUND, SurplusSurrendered("pool", yuan("1.00")), "1-6", cites=("收回指标文",))),
        "PlanAdopted",
    ),
    ("period-to-close", Urgency.OVERDUE, with_settings(period_close_days=10), "FundEstablished"),
    ("period-to-close", Urgency.DUE, with_settings(period_close_days=10).given(*closed_months(1, 7)), "PeriodClosed"),
]


def current_alerts(scenario: Scenario):
    ledger = replace(scenario.ledger, today=TODAY)
    return list(alerts(ledger, "f", ("p",)))


@pytest.mark.parametrize(
    ("name", "urgency", "scenario", "event"), CASES, ids=[f"{name}-{event}" for name, _, _, event in CASES]
)
def test_an_alert_has_an_urgency_the_event_it_refers_to_and_two_sentences(name, urgency, scenario, event):
    [alert] = [each for each in current_alerts(scenario) if each.name == name]
    assert alert.urgency is urgency
    assert [type(scenario.ledger.entries[at].fact).__name__ for at in alert.by] == [event]
    for sentence in (alert.en, alert.zh):
        assert sentence
        assert "{" not in sentence


FROM_TABLES = {
    "fund-held", "unspent", "never-paid", "never-awarded", "december-rush", "payee-differs", "number-shared",
    "statement-outdated", "payee-not-applicant", "account-shared", "recipient-twice",
}  # fmt: skip
"""The alerts that the service computes from the projected tables. They are tested in tests/service."""


def test_every_kind_of_alert_has_a_case():
    assert {name for name, *_ in CASES} | FROM_TABLES | {"calendar-to-import", "serials-used", "interest-held"} == set(
        SENTENCES
    )


@pytest.mark.parametrize(
    ("today", "urgency"),
    [
        (date(2030, 10, 31), None),
        (date(2030, 11, 1), Urgency.DUE),
        (date(2030, 12, 31), Urgency.DUE),
        (date(2031, 1, 1), Urgency.OVERDUE),
    ],
)
def test_a_fund_is_alerted_from_60_days_before_its_last_calendar_ends(today, urgency):
    ledger = replace(awarded().ledger, today=today)
    found = [each for each in alerts(ledger, "f", ("p",)) if each.name == "calendar-to-import"]
    assert [each.urgency for each in found] == ([urgency] if urgency else [])
    for each in found:
        assert (each.facts, each.due_on, each.by) == ({"year": 2031}, date(2030, 12, 31), ())
        assert "2031" in each.en
        assert "2031 年" in each.zh


@pytest.mark.parametrize(
    ("used", "percent"), [(0, None), (MAX_BOUND // 101, None), (MAX_BOUND // 99, 1), (MAX_BOUND, 100)]
)
def test_a_fund_is_alerted_when_a_hundredth_of_the_serials_of_all_funds_is_used(used, percent):
    ledger = replace(awarded().ledger, next_serial=used)
    found = [each for each in alerts(ledger, "f", ("p",)) if each.name == "serials-used"]
    assert [each.facts["percent"] for each in found] == ([percent] if percent else [])
    for each in found:
        assert f"{percent} %" in each.en
        assert f"{percent}%" in each.zh


def test_a_closed_fund_needs_no_further_calendar():
    fund = replace(awarded().ledger.fund("f"), closed_at=9)
    streams = awarded().ledger.streams.set("fund/f", Stream(9, TODAY, fund))
    ledger = replace(awarded().ledger, today=date(2031, 1, 1), streams=streams)
    assert "calendar-to-import" not in {each.name for each in alerts(ledger, "f", ())}


def test_the_alert_of_a_waiver_remains_after_its_project_is_closed():
    closed = only_a_awarded().given(
        post(PROJECT, payee_waiver("L-a"), "3-2", **ANOTHER),
        post(PROJECT, AwardDeclined("L-a", "放弃"), "3-3"),
        post(PROJECT, ProjectClosed(), "3-4"),
    )
    assert [each.name for each in current_alerts(closed)] == ["waiver"]


def test_interest_raises_an_alert_until_it_is_surrendered():
    received = awarded().given(post(FUND, InterestReceived(yuan("1.00")), "3-2"))
    [alert] = current_alerts(received)
    assert (alert.name, alert.facts) == ("interest-held", {"amount": yuan("1.00")})
    assert current_alerts(received.given(post(FUND, InterestSurrendered(yuan("1.00")), "3-3"))) == []


def test_a_settled_finding_and_a_released_hold_raise_no_alert():
    settled = FindingSettled("W1", SettledBy.EXPLAINED, "误登")
    scenario = awarded().given(post(FUND, FOUND, "3-2"), post(FUND, settled, "3-3"))
    scenario = scenario.given(post(PROJECT, HELD, "3-2"), post(PROJECT, HoldReleased("H1", "期满"), "3-3"))
    assert current_alerts(scenario) == []


def names(scenario: Scenario) -> list[str]:
    return [each.name for each in current_alerts(scenario)]


def test_the_day_of_an_acceptance_replaces_the_alert_that_its_agreement_ended():
    assert names(signed_until("8-1")) == ["agreement-ended"]
    assert names(signed_until("8-1", acceptance_months=1)) == ["acceptance-due"]
    assert names(signed_until("9-2", acceptance_months=1)) == []
    [alert] = current_alerts(signed_until("8-1", acceptance_months=1))
    assert alert.due_on == day("9-1")


def test_the_alert_of_an_acceptance_ends_when_it_is_passed():
    """No batch of the award waits for the acceptance, so that no other alert is about it afterwards."""
    settled = signed_until("8-1", acceptance_months=1).given(*paid())
    requested = settled.given(post(PROJECT, AcceptanceRequested("L-a"), "8-2"))
    assert names(requested) == ["acceptance-due"]
    assert names(requested.given(post(PROJECT, AcceptancePassed("L-a"), "8-3"))) == []


def test_a_closed_project_that_lacks_awards_says_so_and_no_longer_that_it_has_too_few():
    assert names(closed_short()) == ["awards-missing"]
    [alert] = current_alerts(closed_short())
    assert (alert.facts, alert.project) == ({"missing": 2}, "p")
    assert names(closed_short().given(closed_short().reversing(ProjectClosed, "3-5"))) == ["fewer-awards"]


def test_a_project_without_irregularities_has_no_alerts():
    assert current_alerts(awarded().given(request())) == []
