from datetime import date

import pytest
from msgspec.structs import replace

from domain.fund.funding import FundsAllotted
from domain.fund.lifecycle import SettingsChanged
from domain.project.amendment import AwardDeclined, AwardTerminated
from domain.project.award import AwardListDecided
from domain.project.call import (
    Applicant,
    ApplicationReceived,
    ApplicationScreened,
    ApplicationWithdrawn,
    CallClosed,
    CallExtended,
    CallFailed,
    CallPublished,
)
from domain.project.selection import NoticeCompleted, ObjectionReceived, ObjectionResolved
from domain.rules.award import NoPlacesLeft
from domain.rules.call import (
    AlreadyApplied,
    AlreadyReviewed,
    ApplicationNotLive,
    CallIsClosed,
    CallStillOpen,
    DeadlineNotLater,
    DeadlineNotPassed,
    InvalidCode,
    LineUsedUp,
    NoRoundUnderWay,
    NoticeRunning,
    NotStanding,
    ObjectionOpen,
    OutsideWindow,
    RoundOutOfTurn,
    RoundUnderWay,
)
from domain.rules.every_post import BeforeItsCause, NameTaken, UnknownName, WindowEmpty
from tests.lives import (
    FUND,
    PROJECT,
    SETTINGS,
    allotted,
    award_list,
    awarded,
    called,
    decided,
    founded,
    line,
    notice,
    noticed,
    only_a_awarded,
    paid,
    review,
    reviewed,
    row,
    yuan,
)
from tests.scenario import Scenario, day, post

an_open_project = Scenario().given(*allotted(line()))
a_called_project = an_open_project.given(*called())
a_closed_call = a_called_project.given(post(PROJECT, CallClosed(1), "2-11"))
a_reviewed_project = an_open_project.given(*reviewed())
a_noticed_project = an_open_project.given(*noticed())


def call(number: int = 1, opens: str = "4-1", closes: str = "4-30"):
    return CallPublished(number, day(opens), day(closes))


def apply(name: str, code: str | None = None):
    return ApplicationReceived(f"A-{name}", Applicant(f"示例{name}", code or f"9{name}"))


def withdraw(name: str = "a"):
    return ApplicationWithdrawn(f"A-{name}", "不再申报")


@pytest.mark.parametrize(
    "fact",
    [
        CallExtended(1, day("3-1")),
        CallClosed(1),
        CallFailed(1, "无人申报"),
        apply("a"),
        ApplicationScreened("A-a", passed=True),
        review(a=90),
        notice("2-16", "2-20", "a"),
        NoticeCompleted(),
        ObjectionReceived("Y1", "不符", "A-a"),
        AwardListDecided("按得分", (row("a", "1.00"),), 1, 1),
    ],
    ids=lambda fact: type(fact).__name__,
)
def test_steps_of_a_round_are_refused_before_its_call(fact):
    an_open_project.when(post(PROJECT, fact, "2-5")).refused(NoRoundUnderWay)


def test_rounds_run_one_at_a_time_and_in_order():
    a_called_project.when(post(PROJECT, call(2), "3-31")).refused(RoundUnderWay, round=1)
    an_open_project.when(post(PROJECT, call(2), "3-31")).refused(RoundOutOfTurn, expected=1)


def test_a_call_needs_a_window_that_is_not_past_and_a_free_place():
    an_open_project.when(post(PROJECT, call(1, "4-2", "4-1"), "3-31")).refused(WindowEmpty)
    an_open_project.when(post(PROJECT, call(1, "4-1", "4-2"), "4-2")).refused(BeforeItsCause, cause="CallPublished")
    awarded().when(post(PROJECT, call(2), "3-31")).refused(NoPlacesLeft, limit=2, taken=2)


def test_live_awards_and_ended_awards_with_paid_money_take_places():
    declined = awarded().given(post(PROJECT, AwardDeclined("L-a", "放弃"), "3-2"))
    declined.when(post(PROJECT, call(2), "3-31")).accepted()
    kept = awarded().given(*paid(), post(PROJECT, AwardTerminated("L-a", "违约"), "3-20"))
    kept.when(post(PROJECT, call(2), "3-31")).refused(NoPlacesLeft, limit=2, taken=2, asked=1)


def test_a_call_can_open_and_close_on_the_day_of_its_publication():
    an_open_project.when(post(PROJECT, call(1, "4-1", "4-1"), "4-1")).accepted()


def test_an_application_may_say_what_it_applies_for():
    fact = replace(
        apply("c"), amount=yuan("300.00"), title="示例", place="示例区", starts_on=day("4-1"), ends_on=day("4-1")
    )
    a_called_project.when(post(PROJECT, fact, "2-5")).then(replace(fact, round=1))
    a_called_project.when(post(PROJECT, replace(fact, ends_on=None), "2-5")).accepted()


def test_an_application_that_is_planned_to_end_before_it_starts_is_refused():
    fact = replace(apply("c"), starts_on=day("4-2"), ends_on=day("4-1"))
    days = {"first_day": day("4-2"), "last_day": day("4-1")}
    a_called_project.when(post(PROJECT, fact, "2-5")).refused(WindowEmpty, **days)


def test_a_second_round_can_be_called_while_places_are_left():
    first = a_noticed_project.given(post(PROJECT, award_list(a_noticed_project, row("a", "30.00", "20.00")), "3-1"))
    first.when(post(PROJECT, call(2), "3-31")).accepted()


def test_a_further_round_is_refused_when_the_whole_line_is_awarded():
    awarded(line(awards=3)).when(post(PROJECT, call(2), "3-31")).refused(LineUsedUp, project="p")


def test_a_further_round_can_be_called_for_money_that_is_not_allotted_yet():
    bare = Scenario().given(
        *founded(line(awards=3)), post(FUND, FundsAllotted("p", 1, yuan("60.00")), "1-6"), *noticed()
    )
    used = decided(bare, row("a", "60.00"))
    used.when(post(PROJECT, call(2), "3-31")).accepted()


def test_a_further_round_is_refused_during_a_notice_or_an_open_objection():
    running = only_a_awarded().given(post(PROJECT, notice("3-2", "3-6", "b"), "3-2"))
    running.when(post(PROJECT, call(2), "3-31")).refused(NoticeRunning, last_day=day("3-6"))
    objected = running.given(
        post(PROJECT, NoticeCompleted(), "3-7"),
        post(PROJECT, ObjectionReceived("Y1", "不符", "A-b"), "3-3"),
    )
    objected.when(post(PROJECT, call(2), "3-31")).refused(ObjectionOpen, objections="Y1")
    objected.given(post(PROJECT, ObjectionResolved("Y1", upheld=False, reason="不实"), "3-4")).when(
        post(PROJECT, call(2), "3-31")
    ).accepted()


def test_an_open_call_can_be_extended_to_a_later_day():
    extended = a_called_project.given(post(PROJECT, CallExtended(1, day("2-20")), "2-9"))
    extended.when(post(PROJECT, apply("c"), "2-20")).accepted()
    extended.when(post(PROJECT, CallClosed(1), "2-20")).refused(DeadlineNotPassed, last_day=date(2019, 2, 20))
    a_called_project.when(post(PROJECT, CallExtended(1, day("2-10")), "2-9")).refused(
        DeadlineNotLater, last_day=date(2019, 2, 10), asked=date(2019, 2, 10)
    )
    a_called_project.when(post(PROJECT, CallExtended(2, day("2-20")), "2-9")).refused(RoundOutOfTurn, expected=1)
    a_closed_call.when(post(PROJECT, CallExtended(1, day("2-20")), "2-12")).refused(CallIsClosed, round=1)


def test_a_call_can_fail_only_after_its_closing_and_before_its_decision():
    failing = post(PROJECT, CallFailed(1, "不足三家"), "2-22")
    a_called_project.when(failing).refused(CallStillOpen, round=1)
    a_closed_call.when(failing).moves()
    a_noticed_project.when(failing).accepted()
    awarded().when(post(PROJECT, CallFailed(1, "不足三家"), "3-2")).refused(NoRoundUnderWay)
    a_closed_call.when(post(PROJECT, CallFailed(2, "不足三家"), "2-22")).refused(RoundOutOfTurn, round=2, expected=1)
    early = post(PROJECT, CallFailed(1, "不足三家"), "2-10", booked="2-11")
    a_closed_call.when(early).refused(BeforeItsCause, cause="CallClosed")


def test_a_call_cannot_fail_during_an_open_objection():
    running = a_reviewed_project.given(
        post(PROJECT, notice("2-16", "2-20", "a", "b"), "2-16"),
        post(PROJECT, ObjectionReceived("Y1", "评分有误"), "2-17"),
    )
    running.when(post(PROJECT, CallFailed(1, "质疑"), "2-18")).refused(ObjectionOpen, objections="Y1")


def test_after_a_failed_call_steps_are_accepted_only_in_the_next_round():
    failed = a_noticed_project.given(post(PROJECT, CallFailed(1, "不足三家"), "2-22"))
    for fact in (review(a=1, b=1), notice("3-1", "3-6", "a"), CallFailed(1, "又"), CallClosed(1), apply("c")):
        failed.when(post(PROJECT, fact, "3-1")).refused(NoRoundUnderWay)
    second = failed.given(post(PROJECT, call(2), "3-1"))
    second.when(post(PROJECT, notice("4-1", "4-6", "a"), "4-1")).refused(NotStanding, application="A-a")
    second.when(post(PROJECT, ApplicationReceived("A-a2", Applicant("示例a", "9a")), "4-5")).accepted()


# Applications ----------------------------------------------------------------


def test_applications_are_accepted_from_the_first_to_the_last_day_of_the_window():
    a_called_project.when(post(PROJECT, apply("c"), "2-10")).then(
        ApplicationReceived("A-c", Applicant("示例c", "9c"), round=1)
    )
    a_called_project.when(post(PROJECT, apply("c"), "2-11")).refused(OutsideWindow, closes_on=date(2019, 2, 10))
    a_closed_call.when(post(PROJECT, apply("c"), "2-10", booked="2-12")).refused(CallIsClosed)


def test_the_settings_of_the_fund_say_how_many_live_applications_an_applicant_may_have():
    two = replace(SETTINGS, applications_per_recipient=2)
    allowed = a_called_project.given(post(FUND, SettingsChanged(two), "2-6"), post(PROJECT, apply("c", "9a"), "2-6"))
    assert allowed.ledger.project("p").applicants[1, "uscc:9a"] == ("A-a", "A-c")
    allowed.when(post(PROJECT, apply("d", "9a"), "2-7")).refused(AlreadyApplied, uscc="9a", application="A-a, A-c")
    withdrawn = allowed.given(post(PROJECT, ApplicationWithdrawn("A-a", "自愿"), "2-7"))
    withdrawn.when(post(PROJECT, apply("d", "9a"), "2-8")).accepted()
    taken = withdrawn.given(post(PROJECT, apply("d", "9a"), "2-8"))
    taken.when(taken.reversing(ApplicationWithdrawn, "2-9")).refused(AlreadyApplied, application="A-c, A-d")
    back = withdrawn.given(withdrawn.reversing(ApplicationWithdrawn, "2-8"))
    assert back.ledger.project("p").applicants[1, "uscc:9a"] == ("A-a", "A-c")


def test_an_applicant_needs_a_valid_code_and_can_have_one_live_application():
    a_called_project.when(post(PROJECT, apply("c", "0c"), "2-6")).refused(InvalidCode, uscc="0c")
    a_called_project.when(post(PROJECT, apply("c", "9a"), "2-6")).refused(AlreadyApplied, application="A-a", round=1)
    a_called_project.when(post(PROJECT, apply("a", "9z"), "2-6")).refused(NameTaken, name="A-a")


def test_a_round_does_not_use_the_applications_of_another_round():
    failed = a_closed_call.given(post(PROJECT, CallFailed(1, "不足三家"), "2-12"))
    for first in failed, only_a_awarded():
        second = first.given(
            post(PROJECT, call(2, "3-2", "3-3"), "3-2"),
            post(PROJECT, apply("c"), "3-2"),
            post(PROJECT, CallClosed(2), "3-4"),
            post(PROJECT, ApplicationScreened("A-c", passed=True), "3-5"),
        )
        reviewed_again = second.given(post(PROJECT, review(c=90), "3-6"))
        reviewed_again.when(post(PROJECT, notice("3-7", "3-12", "b"), "3-7")).refused(NotStanding, application="A-b")
        reviewed_again.when(post(PROJECT, notice("3-7", "3-12", "c"), "3-7")).accepted()


def test_an_application_can_be_withdrawn_at_any_stage_before_its_award():
    for scenario in a_called_project, a_closed_call, a_reviewed_project, a_noticed_project, awarded():
        expected = scenario.when(post(PROJECT, withdraw(), "3-2"))
        if scenario.ledger.project("p").awards:
            expected.refused(ApplicationNotLive, application="A-a")
        else:
            expected.moves()


def test_a_withdrawn_application_is_not_screened_scored_noticed_awarded_or_withdrawn_again():
    withdrawn = a_closed_call.given(
        post(PROJECT, withdraw(), "2-11"), post(PROJECT, ApplicationScreened("A-b", passed=True), "2-12")
    )
    withdrawn.when(post(PROJECT, ApplicationScreened("A-a", passed=True), "2-12")).refused(ApplicationNotLive)
    withdrawn.when(post(PROJECT, withdraw(), "2-12")).refused(ApplicationNotLive)
    withdrawn.when(post(PROJECT, review(b=80), "2-15")).accepted()
    late = a_reviewed_project.given(post(PROJECT, withdraw(), "2-16"))
    late.when(post(PROJECT, notice("2-17", "2-22", "a"), "2-17")).refused(NotStanding, application="A-a")
    noticed_then = a_noticed_project.given(post(PROJECT, withdraw(), "2-22"))
    noticed_then.when(post(PROJECT, award_list(noticed_then, row("a", "1.00")), "3-1")).refused(NotStanding)


def test_an_applicant_who_withdrew_can_apply_again_in_the_same_round():
    withdrawn = a_called_project.given(post(PROJECT, withdraw(), "2-6"))
    again = ApplicationReceived("A-a2", Applicant("示例a", "9a"))
    withdrawn.when(post(PROJECT, again, "2-7")).accepted()
    withdrawn.when(post(PROJECT, apply("a"), "2-7")).refused(NameTaken, kind="application")


def test_a_withdrawal_needs_an_application_that_was_received_before_it():
    a_called_project.when(post(PROJECT, withdraw("z"), "2-6")).refused(UnknownName, name="A-z")
    early = post(PROJECT, withdraw(), "2-4", booked="2-6")
    a_called_project.when(early).refused(BeforeItsCause, cause="ApplicationReceived")


def test_a_call_is_closed_once_and_only_after_its_deadline():
    a_called_project.when(post(PROJECT, CallClosed(1), "2-10")).refused(DeadlineNotPassed, last_day=date(2019, 2, 10))
    a_called_project.when(post(PROJECT, CallClosed(2), "2-11")).refused(RoundOutOfTurn)
    a_closed_call.when(post(PROJECT, CallClosed(1), "2-12")).refused(CallIsClosed)


def test_a_screening_can_be_corrected_until_the_review():
    screened = a_closed_call.given(post(PROJECT, ApplicationScreened("A-a", passed=False), "2-12"))
    screened.when(post(PROJECT, ApplicationScreened("A-a", passed=True), "2-13")).accepted()
    a_reviewed_project.when(post(PROJECT, ApplicationScreened("A-a", passed=False), "2-16")).refused(AlreadyReviewed)
    a_closed_call.when(post(PROJECT, ApplicationScreened("A-z", passed=True), "2-12")).refused(UnknownName)
    a_closed_call.when(post(PROJECT, ApplicationScreened("A-a", passed=True), "2-4", booked="2-12")).refused(
        BeforeItsCause, cause="ApplicationReceived"
    )


def test_only_applications_of_the_round_under_way_are_screened():
    first = a_noticed_project.given(post(PROJECT, award_list(a_noticed_project, row("a", "30.00", "20.00")), "3-1"))
    second = first.given(post(PROJECT, call(2), "3-31"))
    late = post(PROJECT, ApplicationScreened("A-b", passed=False), "4-1")
    second.when(late).refused(ApplicationNotLive, application="A-b")


def test_a_review_after_the_decision_is_refused():
    decided = awarded()
    decided.when(post(PROJECT, review(a=90, b=80), "3-2")).refused(NoRoundUnderWay)
