from datetime import date
from decimal import Decimal

import pytest

from domain.project.amendment import AwardDeclined
from domain.project.award import AwardListDecided
from domain.project.call import ApplicationScreened, CallClosed, CallFailed, CallPublished
from domain.project.payment import PaymentInstructed
from domain.project.selection import NoticeCompleted, ObjectionReceived, ObjectionResolved, ReviewConcluded, Score
from domain.rules.award import AwardNotShown, BasisMismatch, NotInNotice
from domain.rules.call import (
    CalendarUnknown,
    CallStillOpen,
    DeadlineNotPassed,
    NoNotice,
    NoReview,
    NoRoundUnderWay,
    NotAllScreened,
    NotAwarded,
    NoticeRunning,
    NoticeTooShort,
    NotStanding,
    ObjectionOpen,
    ObjectionResolvedAlready,
    ObjectionTooLate,
    ObjectionUpheld,
    OutsideNotice,
    ScoresMismatch,
)
from domain.rules.every_post import BeforeItsCause, NameTaken, UnknownName, WindowEmpty
from tests.domain.lives import (
    PROJECT,
    TWO_ROWS,
    allotted,
    approvals,
    award_list,
    awarded,
    called,
    line,
    notice,
    noticed,
    noticed_after,
    only_a_awarded,
    request,
    review,
    reviewed,
    row,
    shown,
)
from tests.domain.scenario import Scenario, day, post

an_open_project = Scenario().given(*allotted(line()))
a_called_project = an_open_project.given(*called())
a_closed_call = a_called_project.given(post(PROJECT, CallClosed(1), "2-11"))
a_reviewed_project = an_open_project.given(*reviewed())
running = a_reviewed_project.given(post(PROJECT, notice("2-16", "2-20", "a", "b"), "2-16"))
a_noticed_project = an_open_project.given(*noticed())
decided_first = noticed_after()


def objecting(name: str | None = "a", objection: str = "Y1"):
    return ObjectionReceived(objection, "材料不实", f"A-{name}" if name else None)


def resolving(objection: str = "Y1", *, upheld: bool):
    return ObjectionResolved(objection, upheld=upheld, reason="核查结果")


def objected(name: str | None = "a", scenario: Scenario = running) -> Scenario:
    return scenario.given(post(PROJECT, objecting(name), "2-17"))


# Reviews ---------------------------------------------------------------------


def test_a_review_waits_for_the_call_to_close_and_all_to_be_screened():
    a_called_project.when(post(PROJECT, review(a=90, b=80), "2-15")).refused(CallStillOpen)
    one = a_closed_call.given(post(PROJECT, ApplicationScreened("A-a", passed=True), "2-12"))
    one.when(post(PROJECT, review(a=90), "2-15")).refused(NotAllScreened, applications="A-b")


def test_a_review_comes_no_earlier_than_its_call_was_closed():
    early = post(PROJECT, review(a=90, b=89), "2-10", booked="2-15")
    a_reviewed_project.when(early).refused(BeforeItsCause, cause="CallClosed")


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
    running.when(post(PROJECT, review(a=80, b=90), "2-17")).refused(NoticeRunning, last_day=date(2019, 2, 20))
    again = a_noticed_project.given(post(PROJECT, review(a=80, b=90), "2-22"))
    again.when(post(PROJECT, NoticeCompleted(), "2-23")).refused(NoNotice)


# Notices ---------------------------------------------------------------------


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
    running.when(post(PROJECT, NoticeCompleted(), "2-20")).refused(DeadlineNotPassed)
    running.when(post(PROJECT, NoticeCompleted(), "2-21")).counts()
    a_noticed_project.when(post(PROJECT, NoticeCompleted(), "2-22")).refused(NoNotice, wanted="running")


def test_a_new_notice_replaces_a_running_one():
    replaced = running.given(post(PROJECT, notice("2-18", "2-22", "a"), "2-18"))
    replaced.when(post(PROJECT, NoticeCompleted(), "2-21")).refused(DeadlineNotPassed)


def test_a_notice_does_not_begin_before_the_review():
    early = post(PROJECT, notice("2-15", "2-20", "a"), "2-14", booked="2-15")
    a_reviewed_project.when(early).refused(BeforeItsCause, cause="ReviewConcluded")


def test_a_notice_after_the_decision_shows_a_substitute_and_nobody_who_is_awarded():
    decided = only_a_awarded()
    decided.when(post(PROJECT, notice("3-2", "3-6", "b"), "3-2")).counts()
    decided.when(post(PROJECT, notice("3-2", "3-6", "a"), "3-2")).refused(NotStanding, application="A-a")
    replaced = decided.given(post(PROJECT, notice("3-2", "3-6", "b"), "3-2"))
    replaced.when(post(PROJECT, award_list(replaced, row("b", "1.00", score=89)), "3-3")).refused(NoNotice)


# Notices that follow the decision --------------------------------------------


def test_where_notices_follow_the_decision_they_list_what_was_awarded():
    decided_first.when(post(PROJECT, notice("2-16", "2-20", "a", "b"), "2-16")).counts()
    undecided = decided_first.given(decided_first.reversing(AwardListDecided, "2-16"))
    undecided.when(post(PROJECT, notice("2-16", "2-20", "a"), "2-16")).refused(NotAwarded, application="A-a")


def test_such_a_notice_lists_no_award_that_ended():
    ended = decided_first.given(post(PROJECT, AwardDeclined("L-a", "放弃"), "2-16"))
    ended.when(post(PROJECT, notice("2-16", "2-20", "a"), "2-16")).refused(NotAwarded, application="A-a")


def test_a_further_list_may_be_decided_beside_such_a_notice():
    undecided = decided_first.given(decided_first.reversing(AwardListDecided, "2-16"))
    version = undecided.ledger.project("p").rounds["1"].review.version
    first = undecided.given(post(PROJECT, AwardListDecided(version, "按得分", TWO_ROWS[:1]), "2-16"), *shown("a"))
    first.when(post(PROJECT, AwardListDecided(version, "按得分", TWO_ROWS[1:]), "2-22")).counts()


def test_such_a_notice_does_not_begin_before_the_decision():
    later = decided_first.given(decided_first.reversing(AwardListDecided, "2-16"))
    fact = AwardListDecided(later.ledger.project("p").rounds["1"].review.version, "按得分", (row("a", "1.00"),))
    decided = later.given(post(PROJECT, fact, "3-1"))
    early = post(PROJECT, notice("2-20", "2-25", "a"), "2-20", booked="3-1")
    decided.when(early).refused(BeforeItsCause, cause="AwardListDecided")


def test_the_decision_then_cites_no_notice():
    undecided = decided_first.given(decided_first.reversing(AwardListDecided, "2-16"))
    fact = AwardListDecided(undecided.ledger.project("p").rounds["1"].review.version, "按得分", (row("a", "1.00"),), 1)
    undecided.when(post(PROJECT, fact, "2-17")).refused(BasisMismatch, what="notice", cited=1, current=None)


def test_the_decision_then_rests_on_the_review_alone():
    undecided = decided_first.given(decided_first.reversing(AwardListDecided, "2-16"))
    version = undecided.ledger.project("p").rounds["1"].review.version
    fact = AwardListDecided(version, "按得分", (row("a", "1.00"),))
    early = post(PROJECT, fact, "2-14", booked="2-16")
    undecided.when(early).refused(BeforeItsCause, cause="ReviewConcluded")
    void = undecided.given(undecided.reversing(ReviewConcluded, "2-16"))
    void.when(post(PROJECT, fact, "2-17")).refused(NoReview)


def test_nothing_is_paid_before_the_public_was_shown_it():
    decided_first.when(request()).refused(AwardNotShown, award="L-a")
    decided_first.given(*shown("b")).when(request()).refused(AwardNotShown, award="L-a")
    decided_first.given(*shown("a")).when(request()).counts()
    decided_first.given(*shown("a")).when(request(on="2-20")).refused(BeforeItsCause, cause="NoticeCompleted")


def test_an_objection_that_is_upheld_after_the_decision_stops_the_payment():
    late = objected("a", decided_first.given(post(PROJECT, notice("2-16", "2-20", "a", "b"), "2-16")))
    upheld = late.given(post(PROJECT, resolving(upheld=True), "2-18"), post(PROJECT, NoticeCompleted(), "2-21"))
    upheld.when(request()).refused(ObjectionUpheld, application="A-a")
    upheld.when(request(award="b")).counts()


@pytest.mark.parametrize("target", ["a", None])
def test_a_payment_goes_no_further_while_an_objection_to_its_award_is_open(target):
    late = decided_first.given(*shown("a", "b"), request())
    objected_to = objected(target, late)
    for step in (request("P2", amount="1.00"), approvals()[0]):
        objected_to.when(step).refused(ObjectionOpen, objections="Y1")
    approved = objected(target, late.given(*approvals()))
    approved.when(post(PROJECT, PaymentInstructed("P1"), "3-4")).refused(ObjectionOpen)
    objected_to.given(post(PROJECT, resolving(upheld=False), "2-22")).when(approvals()[0]).moves()


def test_an_objection_to_another_award_stops_no_payment():
    late = objected("b", decided_first.given(*shown("a", "b")))
    late.when(request()).counts()


def test_an_objection_to_a_later_notice_stops_no_payment_of_what_an_earlier_one_showed():
    a_shown = decided_first.given(*shown("a"), post(PROJECT, notice("3-1", "3-5", "b"), "3-1"))
    to_the_list = a_shown.given(post(PROJECT, ObjectionReceived("Y1", "程序有误", None), "3-2"))
    to_the_list.when(request(on="3-3")).counts()
    to_the_list.when(request(award="b", on="3-3")).refused(AwardNotShown, award="L-b")


def test_an_objection_of_the_days_of_a_notice_that_was_replaced_still_counts():
    replaced = running.given(post(PROJECT, notice("2-21", "2-25", "a", "b"), "2-19"))
    replaced.when(post(PROJECT, objecting(), "2-18")).counts()
    replaced.when(post(PROJECT, objecting(), "2-26")).refused(OutsideNotice)


def test_no_further_call_before_all_that_was_awarded_was_shown():
    further = post(PROJECT, CallPublished(2, day("3-1"), day("3-9")), "2-28")
    places = noticed_after(line(awards=3))
    places.when(further).refused(AwardNotShown, award="L-a")
    places.given(*shown("a")).when(further).refused(AwardNotShown, award="L-b")
    some = places.given(*shown("a", "b"), post(PROJECT, AwardDeclined("L-b", "放弃"), "2-22"))
    some.when(further).counts()


def test_an_objection_to_the_whole_list_after_the_decision_asks_for_a_new_notice():
    late = objected(None, decided_first.given(*shown("a", "b")))
    void = late.given(post(PROJECT, resolving(upheld=True), "2-22"))
    void.when(request()).refused(AwardNotShown, award="L-a")
    void.given(*shown("a", "b", month="3")).when(request(on="3-22")).counts()


# Objections ------------------------------------------------------------------


def test_an_objection_is_received_on_the_notice_s_days_both_included():
    for on in ("2-16", "2-20"):
        running.when(post(PROJECT, objecting(), on)).moves()
    for on in ("2-15", "2-21"):
        running.when(post(PROJECT, objecting(), on)).refused(
            OutsideNotice, first_day=date(2019, 2, 16), last_day=date(2019, 2, 20)
        )


def test_an_objection_of_those_days_counts_after_the_notice_is_completed():
    a_noticed_project.when(post(PROJECT, objecting(), "2-20")).counts()


def test_an_objection_is_to_something_on_a_notice():
    a_reviewed_project.when(post(PROJECT, objecting(), "2-17")).refused(NoNotice, wanted="running / completed")
    only_a = a_reviewed_project.given(post(PROJECT, notice("2-16", "2-20", "a"), "2-16"))
    only_a.when(post(PROJECT, objecting("b"), "2-17")).refused(NotInNotice, application="A-b")
    running.when(post(PROJECT, objecting("z"), "2-17")).refused(UnknownName, kind="application", name="A-z")
    objected().when(post(PROJECT, objecting("b"), "2-17")).refused(NameTaken, kind="objection", name="Y1")


def test_an_objection_comes_before_the_decision():
    decided = awarded()
    decided.when(post(PROJECT, objecting(), "2-18")).refused(ObjectionTooLate, target="A-a")
    decided.when(post(PROJECT, objecting(None), "2-18")).refused(ObjectionTooLate, target="notice")
    only_a = only_a_awarded()
    only_a.when(post(PROJECT, objecting(), "2-18")).refused(ObjectionTooLate, target="A-a")
    only_a.when(post(PROJECT, objecting("b"), "2-18")).counts()
    substitute = only_a.given(post(PROJECT, notice("3-2", "3-6", "b"), "3-2"))
    substitute.when(post(PROJECT, objecting(None), "3-3")).counts()


@pytest.mark.parametrize("target", ["a", None])
def test_while_an_objection_is_open_no_notice_starts_or_ends_and_nothing_is_decided(target):
    late = a_noticed_project.given(post(PROJECT, objecting(target), "2-20"))
    late.when(post(PROJECT, award_list(late, row("b", "1.00", score=89)), "3-1")).refused(
        ObjectionOpen, objections="Y1"
    )
    late.when(post(PROJECT, notice("2-22", "2-28", "a"), "2-22")).refused(ObjectionOpen)
    objected(target).when(post(PROJECT, NoticeCompleted(), "2-21")).refused(ObjectionOpen)


def test_an_objection_that_is_rejected_changes_nothing():
    rejected = objected().given(post(PROJECT, resolving(upheld=False), "2-18"))
    completed = rejected.given(post(PROJECT, NoticeCompleted(), "2-21"))
    completed.when(post(PROJECT, award_list(completed, row("a", "1.00")), "3-1")).counts()


def test_an_application_to_which_an_objection_is_upheld_is_excluded():
    upheld = objected().given(post(PROJECT, resolving(upheld=True), "2-18"), post(PROJECT, NoticeCompleted(), "2-21"))
    upheld.when(post(PROJECT, award_list(upheld, row("a", "1.00")), "3-1")).refused(NotStanding, application="A-a")
    upheld.when(post(PROJECT, award_list(upheld, row("b", "1.00", score=89)), "3-1")).counts()
    upheld.when(post(PROJECT, review(a=90, b=89), "2-22")).refused(ScoresMismatch, applications="A-a")
    upheld.when(post(PROJECT, review(b=89), "2-22")).counts()


def test_the_resolution_records_what_it_was_about_and_what_it_voids():
    [excluding] = objected().when(post(PROJECT, resolving(upheld=True), "2-18")).events()
    assert (excluding.fact.application, excluding.fact.voids) == ("A-a", None)
    [voiding] = objected(None).when(post(PROJECT, resolving(upheld=True), "2-18")).events()
    assert (voiding.fact.application, voiding.fact.voids) == (None, running.last(ReviewConcluded).version)
    [rejecting] = objected(None).when(post(PROJECT, resolving(upheld=False), "2-18")).events()
    assert rejecting.fact.voids is None


def test_an_upheld_objection_to_the_whole_list_voids_review_and_notice():
    void = objected(None).given(post(PROJECT, resolving(upheld=True), "2-18"))
    void.when(post(PROJECT, NoticeCompleted(), "2-21")).refused(NoNotice, wanted="running")
    void.when(post(PROJECT, notice("2-19", "2-25", "a"), "2-19")).refused(NotStanding, application="A-a")
    void.given(post(PROJECT, review(a=70, b=90), "2-19")).when(
        post(PROJECT, notice("2-20", "2-25", "a"), "2-20")
    ).counts()
    void.when(post(PROJECT, CallFailed(1, "评审无效"), "2-19")).counts()


def test_an_objection_is_resolved_once_and_no_earlier_than_it_came():
    objected().when(post(PROJECT, resolving("Y9", upheld=True), "2-18")).refused(UnknownName, kind="objection")
    early = post(PROJECT, resolving(upheld=True), "2-16", booked="2-17")
    objected().when(early).refused(BeforeItsCause, cause="ObjectionReceived")
    resolved = objected().given(post(PROJECT, resolving(upheld=False), "2-18"))
    resolved.when(post(PROJECT, resolving(upheld=True), "2-19")).refused(ObjectionResolvedAlready, objection="Y1")


def test_after_a_failed_call_there_is_nothing_to_object_to():
    failed = a_noticed_project.given(post(PROJECT, CallFailed(1, "不足三家"), "2-22"))
    failed.when(post(PROJECT, objecting(), "2-18")).refused(NoRoundUnderWay)
