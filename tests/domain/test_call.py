from datetime import date
from decimal import Decimal

import pytest

from domain.project.award import AwardListDecided
from domain.project.call import (
    Applicant,
    ApplicationReceived,
    ApplicationScreened,
    CallClosed,
    CallPublished,
    NoticeCompleted,
    NoticeStarted,
    Proposal,
    ReviewConcluded,
    Score,
)
from domain.rules.award import NoPlacesLeft
from domain.rules.call import (
    AlreadyApplied,
    AlreadyReviewed,
    ApplicationNotLive,
    CalendarUnknown,
    CallIsClosed,
    CallStillOpen,
    DeadlineNotPassed,
    InvalidCode,
    LineUsedUp,
    NoNotice,
    NoRoundUnderWay,
    NotAllScreened,
    NoticeRunning,
    NoticeTooShort,
    NotStanding,
    OutsideWindow,
    RoundOutOfTurn,
    RoundUnderWay,
    ScoresMismatch,
)
from domain.rules.every_post import BeforeItsCause, NameTaken, UnknownName, WindowEmpty
from tests.domain.lives import (
    PROJECT,
    allotted,
    award_list,
    awarded,
    called,
    line,
    noticed,
    reviewed,
    row,
    yuan,
)
from tests.domain.scenario import Scenario, day, post

an_open_project = Scenario().given(*allotted(line()))
a_called_project = an_open_project.given(*called())
a_closed_call = a_called_project.given(post(PROJECT, CallClosed(1), "2-11"))
a_reviewed_project = an_open_project.given(*reviewed())
a_noticed_project = an_open_project.given(*noticed())


def call(number: int = 1, opens: str = "4-1", closes: str = "4-30"):
    return CallPublished(number, day(opens), day(closes))


def apply(name: str, code: str | None = None):
    return ApplicationReceived(f"A-{name}", Applicant(f"示例{name}", code or f"9{name}"))


def notice(first: str, last: str, *names: str):
    return NoticeStarted(tuple(Proposal(f"A-{n}", yuan("50.00")) for n in names), day(first), day(last))


def review(**scores: int):
    return ReviewConcluded("平均分", tuple(Score(f"A-{n}", Decimal(s)) for n, s in scores.items()))


@pytest.mark.parametrize(
    "fact",
    [
        CallClosed(1),
        apply("a"),
        ApplicationScreened("A-a", passed=True),
        review(a=90),
        notice("2-16", "2-20", "a"),
        NoticeCompleted(),
        AwardListDecided(1, 1, "按得分", (row("a", "1.00"),)),
    ],
    ids=lambda fact: type(fact).__name__,
)
def test_nothing_of_a_round_happens_before_its_call(fact):
    an_open_project.when(post(PROJECT, fact, "2-5")).refused(NoRoundUnderWay)


def test_one_round_at_a_time_and_in_turn():
    a_called_project.when(post(PROJECT, call(2), "3-31")).refused(RoundUnderWay, round=1)
    an_open_project.when(post(PROJECT, call(2), "3-31")).refused(RoundOutOfTurn, expected=1)


def test_a_call_has_a_window_and_places():
    an_open_project.when(post(PROJECT, call(1, "4-2", "4-1"), "3-31")).refused(WindowEmpty)
    an_open_project.when(post(PROJECT, call(1, "4-1", "4-2"), "4-2")).refused(BeforeItsCause, cause="CallPublished")
    awarded().when(post(PROJECT, call(2), "3-31")).refused(NoPlacesLeft, limit=2, taken=2)


def test_a_second_round_follows_the_first_decision_while_places_are_left():
    first = a_noticed_project.given(post(PROJECT, award_list(a_noticed_project, row("a", "30.00", "20.00")), "3-1"))
    first.when(post(PROJECT, call(2), "3-31")).counts()


def test_no_further_round_when_all_of_the_line_is_awarded():
    awarded(line(awards=3)).when(post(PROJECT, call(2), "3-31")).refused(LineUsedUp, project="p")


def test_applications_come_in_within_the_window_both_days_included():
    a_called_project.when(post(PROJECT, apply("c"), "2-10")).then(
        ApplicationReceived("A-c", Applicant("示例c", "9c"), round=1)
    )
    a_called_project.when(post(PROJECT, apply("c"), "2-11")).refused(OutsideWindow, closes_on=date(2019, 2, 10))
    a_closed_call.when(post(PROJECT, apply("c"), "2-10", booked="2-12")).refused(CallIsClosed)


def test_an_applicant_has_a_valid_code_and_one_live_application():
    a_called_project.when(post(PROJECT, apply("c", "0c"), "2-6")).refused(InvalidCode, uscc="0c")
    a_called_project.when(post(PROJECT, apply("c", "9a"), "2-6")).refused(AlreadyApplied, application="A-a", round=1)
    a_called_project.when(post(PROJECT, apply("a", "9z"), "2-6")).refused(NameTaken, name="A-a")


def test_a_call_closes_once_after_its_deadline():
    a_called_project.when(post(PROJECT, CallClosed(1), "2-10")).refused(DeadlineNotPassed, last_day=date(2019, 2, 10))
    a_called_project.when(post(PROJECT, CallClosed(2), "2-11")).refused(RoundOutOfTurn)
    a_closed_call.when(post(PROJECT, CallClosed(1), "2-12")).refused(CallIsClosed)


def test_screening_may_be_corrected_until_the_review():
    screened = a_closed_call.given(post(PROJECT, ApplicationScreened("A-a", passed=False), "2-12"))
    screened.when(post(PROJECT, ApplicationScreened("A-a", passed=True), "2-13")).counts()
    a_reviewed_project.when(post(PROJECT, ApplicationScreened("A-a", passed=False), "2-16")).refused(AlreadyReviewed)
    a_closed_call.when(post(PROJECT, ApplicationScreened("A-z", passed=True), "2-12")).refused(UnknownName)
    a_closed_call.when(post(PROJECT, ApplicationScreened("A-a", passed=True), "2-4", booked="2-12")).refused(
        BeforeItsCause, cause="ApplicationReceived"
    )


def test_a_review_waits_for_the_call_to_close_and_all_to_be_screened():
    a_called_project.when(post(PROJECT, review(a=90, b=80), "2-15")).refused(CallStillOpen)
    one = a_closed_call.given(post(PROJECT, ApplicationScreened("A-a", passed=True), "2-12"))
    one.when(post(PROJECT, review(a=90), "2-15")).refused(NotAllScreened, applications="A-b")


def test_a_review_scores_exactly_those_that_passed():
    both = a_closed_call.given(
        post(PROJECT, ApplicationScreened("A-a", passed=True), "2-12"),
        post(PROJECT, ApplicationScreened("A-b", passed=False), "2-12"),
    )
    both.when(post(PROJECT, review(a=90, b=80), "2-15")).refused(ScoresMismatch, applications="A-b")
    twice = ReviewConcluded("平均分", (Score("A-a", Decimal(90)), Score("A-a", Decimal(91))))
    both.when(post(PROJECT, twice, "2-15")).refused(ScoresMismatch)
    both.when(post(PROJECT, review(a=90), "2-15")).counts()


def test_a_round_that_nobody_passed_cannot_be_reviewed():
    none = a_closed_call.given(*(post(PROJECT, ApplicationScreened(f"A-{n}", passed=False), "2-12") for n in "ab"))
    none.when(post(PROJECT, review(), "2-15")).refused(ScoresMismatch)


def test_a_second_review_voids_the_notice_but_not_while_it_runs():
    running = a_reviewed_project.given(post(PROJECT, notice("2-16", "2-20", "a", "b"), "2-16"))
    running.when(post(PROJECT, review(a=80, b=90), "2-17")).refused(NoticeRunning, last_day=date(2019, 2, 20))
    again = a_noticed_project.given(post(PROJECT, review(a=80, b=90), "2-22"))
    again.when(post(PROJECT, NoticeCompleted(), "2-23")).refused(NoNotice)


def test_a_notice_lists_only_what_stands_and_runs_enough_working_days():
    a_reviewed_project.when(post(PROJECT, notice("2-16", "2-19", "a"), "2-16")).refused(
        NoticeTooShort, days=4, required=5
    )
    a_reviewed_project.when(post(PROJECT, notice("2-16", "2-20", "z"), "2-16")).refused(UnknownName)
    a_reviewed_project.when(post(PROJECT, notice("2-20", "2-16", "a"), "2-16")).refused(WindowEmpty)
    a_closed_call.when(post(PROJECT, notice("2-16", "2-20", "a"), "2-16")).refused(NotStanding, application="A-a")


def test_a_year_without_an_official_calendar_is_a_refusal_not_a_guess():
    a_reviewed_project.when(post(PROJECT, notice("2031-1-1", "2031-1-9", "a"), "2-16")).refused(CalendarUnknown)


def test_a_notice_does_not_begin_before_it_is_started_and_names_each_application_once():
    a_reviewed_project.when(post(PROJECT, notice("2-10", "2-20", "a"), "2-16")).refused(
        BeforeItsCause, cause="NoticeStarted"
    )
    a_reviewed_project.when(post(PROJECT, notice("2-16", "2-20", "a", "a"), "2-16")).refused(NameTaken)


def test_a_notice_is_complete_the_day_after_its_last_day():
    running = a_reviewed_project.given(post(PROJECT, notice("2-16", "2-20", "a", "b"), "2-16"))
    running.when(post(PROJECT, NoticeCompleted(), "2-20")).refused(DeadlineNotPassed)
    running.when(post(PROJECT, NoticeCompleted(), "2-21")).counts()


def test_a_new_notice_replaces_a_running_one():
    running = a_reviewed_project.given(post(PROJECT, notice("2-16", "2-20", "a", "b"), "2-16"))
    replaced = running.given(post(PROJECT, notice("2-18", "2-22", "a"), "2-18"))
    replaced.when(post(PROJECT, NoticeCompleted(), "2-21")).refused(DeadlineNotPassed)


def test_only_applications_of_the_round_under_way_are_screened():
    first = a_noticed_project.given(post(PROJECT, award_list(a_noticed_project, row("a", "30.00", "20.00")), "3-1"))
    second = first.given(post(PROJECT, call(2), "3-31"))
    late = post(PROJECT, ApplicationScreened("A-b", passed=False), "4-1")
    second.when(late).refused(ApplicationNotLive, application="A-b")


def test_nothing_follows_a_decision_in_its_round_but_notices():
    decided = awarded()
    decided.when(post(PROJECT, review(a=90, b=80), "3-2")).refused(NoRoundUnderWay)
