from datetime import date
from decimal import Decimal

import pytest

from domain.decision import TITLES
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
from tests.lives import (
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
from tests.lives import decided as decide_list
from tests.scenario import Scenario, day, post

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


def test_a_review_is_refused_until_the_call_is_closed_and_all_applications_are_screened():
    a_called_project.when(post(PROJECT, review(a=90, b=80), "2-15")).refused(CallStillOpen)
    one = a_closed_call.given(post(PROJECT, ApplicationScreened("A-a", passed=True), "2-12"))
    one.when(post(PROJECT, review(a=90), "2-15")).refused(NotAllScreened, applications="A-b")


def test_a_review_cannot_be_dated_before_the_closing_of_its_call():
    early = post(PROJECT, review(a=90, b=89), "2-10", booked="2-15")
    a_reviewed_project.when(early).refused(BeforeItsCause, cause="CallClosed")


def test_a_review_must_score_exactly_the_applications_that_passed():
    both = a_closed_call.given(
        post(PROJECT, ApplicationScreened("A-a", passed=True), "2-12"),
        post(PROJECT, ApplicationScreened("A-b", passed=False), "2-12"),
    )
    both.when(post(PROJECT, review(a=90, b=80), "2-15")).refused(ScoresMismatch, applications="A-b")
    twice = ReviewConcluded("平均分", (Score("A-a", Decimal(90)), Score("A-a", Decimal(91))))
    both.when(post(PROJECT, twice, "2-15")).refused(ScoresMismatch)
    both.when(post(PROJECT, review(a=90), "2-15")).accepted()


def test_a_round_in_which_no_application_passed_cannot_be_reviewed():
    none = a_closed_call.given(*(post(PROJECT, ApplicationScreened(f"A-{n}", passed=False), "2-12") for n in "ab"))
    none.when(post(PROJECT, review(), "2-15")).refused(ScoresMismatch)


def test_a_second_review_is_refused_during_the_notice_and_voids_a_completed_one():
    running.when(post(PROJECT, review(a=80, b=90), "2-17")).refused(NoticeRunning, last_day=date(2019, 2, 20))
    again = a_noticed_project.given(post(PROJECT, review(a=80, b=90), "2-22"))
    again.when(post(PROJECT, NoticeCompleted(), "2-23")).refused(NoNotice)


# Notices ---------------------------------------------------------------------


def test_a_notice_needs_eligible_applications_and_enough_working_days():
    a_reviewed_project.when(post(PROJECT, notice("2-16", "2-19", "a"), "2-16")).refused(
        NoticeTooShort, days=4, required=5
    )
    a_reviewed_project.when(post(PROJECT, notice("2-16", "2-20", "z"), "2-16")).refused(UnknownName)
    a_reviewed_project.when(post(PROJECT, notice("2-20", "2-16", "a"), "2-16")).refused(WindowEmpty)
    a_closed_call.when(post(PROJECT, notice("2-16", "2-20", "a"), "2-16")).refused(NotStanding, application="A-a")


def test_a_notice_that_reaches_a_year_without_a_calendar_is_refused_and_the_refusal_names_the_year():
    for first_day, last_day in (("2031-1-1", "2031-1-9"), ("2030-12-20", "2031-1-1"), ("2030-12-20", "2033-1-1")):
        a_reviewed_project.when(post(PROJECT, notice(first_day, last_day, "a"), "2-16")).refused(
            CalendarUnknown, year=2031
        )
    a_reviewed_project.when(post(PROJECT, notice("2030-12-20", "2030-12-31", "a"), "2-16")).accepted()


def test_a_notice_cannot_begin_before_it_is_posted_or_list_an_application_twice():
    a_reviewed_project.when(post(PROJECT, notice("2-10", "2-20", "a"), "2-16")).refused(
        BeforeItsCause, cause="NoticeStarted"
    )
    a_reviewed_project.when(post(PROJECT, notice("2-16", "2-20", "a", "a"), "2-16")).refused(NameTaken)


def test_a_notice_can_be_completed_from_the_day_after_its_last_day():
    running.when(post(PROJECT, NoticeCompleted(), "2-20")).refused(DeadlineNotPassed)
    running.when(post(PROJECT, NoticeCompleted(), "2-21")).accepted()
    a_noticed_project.when(post(PROJECT, NoticeCompleted(), "2-22")).refused(NoNotice, wanted="running")


def test_a_new_notice_replaces_a_running_one():
    replaced = running.given(post(PROJECT, notice("2-18", "2-22", "a"), "2-18"))
    replaced.when(post(PROJECT, NoticeCompleted(), "2-21")).refused(DeadlineNotPassed)


def test_a_notice_cannot_be_dated_before_the_review():
    early = post(PROJECT, notice("2-15", "2-20", "a"), "2-14", booked="2-15")
    a_reviewed_project.when(early).refused(BeforeItsCause, cause="ReviewConcluded")


def test_a_further_notice_can_list_substitutes_and_awards_whose_amount_changes():
    decided = only_a_awarded()
    decided.when(post(PROJECT, notice("3-2", "3-6", "b"), "3-2")).accepted()
    decided.when(post(PROJECT, notice("3-2", "3-6", "a"), "3-2")).accepted()
    before = post(PROJECT, notice("3-2", "3-6", "a"), "3-2", edition=1)
    decided.when(before).refused(NotStanding, application="A-a")
    replaced = decided.given(post(PROJECT, notice("3-2", "3-6", "b"), "3-2"))
    replaced.when(post(PROJECT, award_list(replaced, row("b", "1.00", score=89)), "3-3")).refused(NoNotice)


# Notices that follow the decision --------------------------------------------


def test_if_notices_follow_the_decision_they_can_list_only_awarded_applications():
    decided_first.when(post(PROJECT, notice("2-16", "2-20", "a", "b"), "2-16")).accepted()
    undecided = decided_first.given(decided_first.reversing(AwardListDecided, "2-16"))
    undecided.when(post(PROJECT, notice("2-16", "2-20", "a"), "2-16")).refused(NotAwarded, application="A-a")


def test_a_notice_after_the_decision_cannot_list_an_ended_award():
    ended = decided_first.given(post(PROJECT, AwardDeclined("L-a", "放弃"), "2-16"))
    ended.when(post(PROJECT, notice("2-16", "2-20", "a"), "2-16")).refused(NotAwarded, application="A-a")


def test_a_further_list_can_be_decided_after_a_notice_that_followed_the_first_list():
    undecided = decided_first.given(decided_first.reversing(AwardListDecided, "2-16"))
    version = undecided.ledger.project("p").rounds["1"].review.version
    first = undecided.given(post(PROJECT, AwardListDecided("按得分", TWO_ROWS[:1], version), "2-16"), *shown("a"))
    first.when(post(PROJECT, AwardListDecided("按得分", TWO_ROWS[1:], version), "2-22")).accepted()


def test_a_notice_after_the_decision_cannot_be_dated_before_the_decision():
    later = decided_first.given(decided_first.reversing(AwardListDecided, "2-16"))
    fact = AwardListDecided("按得分", (row("a", "1.00"),), later.ledger.project("p").rounds["1"].review.version)
    decided = later.given(post(PROJECT, fact, "3-1"))
    early = post(PROJECT, notice("2-20", "2-25", "a"), "2-20", booked="3-1")
    decided.when(early).refused(BeforeItsCause, cause="AwardListDecided")


def test_a_decision_that_notices_follow_must_not_cite_a_notice():
    undecided = decided_first.given(decided_first.reversing(AwardListDecided, "2-16"))
    fact = AwardListDecided("按得分", (row("a", "1.00"),), undecided.ledger.project("p").rounds["1"].review.version, 1)
    undecided.when(post(PROJECT, fact, "2-17")).refused(BasisMismatch, what="notice", cited=1, current=None)


def test_a_decision_that_notices_follow_depends_only_on_the_review():
    undecided = decided_first.given(decided_first.reversing(AwardListDecided, "2-16"))
    version = undecided.ledger.project("p").rounds["1"].review.version
    fact = AwardListDecided("按得分", (row("a", "1.00"),), version)
    early = post(PROJECT, fact, "2-14", booked="2-16")
    undecided.when(early).refused(BeforeItsCause, cause="ReviewConcluded")
    void = undecided.given(undecided.reversing(ReviewConcluded, "2-16"))
    void.when(post(PROJECT, fact, "2-17")).refused(NoReview)


def test_an_award_cannot_be_paid_before_its_notice_is_completed():
    decided_first.when(request()).refused(AwardNotShown, award="L-a")
    decided_first.given(*shown("b")).when(request()).refused(AwardNotShown, award="L-a")
    decided_first.given(*shown("a")).when(request()).accepted()
    decided_first.given(*shown("a")).when(request(on="2-20")).refused(BeforeItsCause, cause="NoticeCompleted")


def test_an_objection_upheld_after_the_decision_blocks_the_payment():
    late = objected("a", decided_first.given(post(PROJECT, notice("2-16", "2-20", "a", "b"), "2-16")))
    upheld = late.given(post(PROJECT, resolving(upheld=True), "2-18"), post(PROJECT, NoticeCompleted(), "2-21"))
    upheld.when(request()).refused(ObjectionUpheld, application="A-a")
    upheld.when(request(award="b")).accepted()


@pytest.mark.parametrize("target", ["a", None])
def test_a_payment_is_blocked_while_an_objection_to_its_award_is_open(target):
    late = decided_first.given(*shown("a", "b"), request())
    objected_to = objected(target, late)
    for step in (request("P2", amount="1.00"), approvals()[0]):
        objected_to.when(step).refused(ObjectionOpen, objections="Y1")
    approved = objected(target, late.given(*approvals()))
    approved.when(post(PROJECT, PaymentInstructed("P1"), "3-4")).refused(ObjectionOpen)
    objected_to.given(post(PROJECT, resolving(upheld=False), "2-22")).when(approvals()[0]).moves()


def test_an_objection_to_another_award_does_not_block_a_payment():
    late = objected("b", decided_first.given(*shown("a", "b")))
    late.when(request()).accepted()


def test_an_objection_to_a_later_notice_does_not_block_payments_of_an_earlier_notice():
    a_shown = decided_first.given(*shown("a"), post(PROJECT, notice("3-1", "3-5", "b"), "3-1"))
    to_the_list = a_shown.given(post(PROJECT, ObjectionReceived("Y1", "程序有误", None), "3-2"))
    to_the_list.when(request(on="3-3")).accepted()
    to_the_list.when(request(award="b", on="3-3")).refused(AwardNotShown, award="L-b")


def test_an_objection_dated_within_a_replaced_notice_is_accepted():
    replaced = running.given(post(PROJECT, notice("2-21", "2-25", "a", "b"), "2-19"))
    replaced.when(post(PROJECT, objecting(), "2-18")).accepted()
    replaced.when(post(PROJECT, objecting(), "2-26")).refused(OutsideNotice)


def test_a_further_call_is_refused_until_all_live_awards_were_in_a_notice():
    further = post(PROJECT, CallPublished(2, day("3-1"), day("3-9")), "2-28")
    places = noticed_after(line(awards=3))
    places.when(further).refused(AwardNotShown, award="L-a")
    places.given(*shown("a")).when(further).refused(AwardNotShown, award="L-b")
    some = places.given(*shown("a", "b"), post(PROJECT, AwardDeclined("L-b", "放弃"), "2-22"))
    some.when(further).accepted()


def test_an_upheld_objection_to_the_whole_list_after_the_decision_requires_a_new_notice():
    late = objected(None, decided_first.given(*shown("a", "b")))
    void = late.given(post(PROJECT, resolving(upheld=True), "2-22"))
    void.when(request()).refused(AwardNotShown, award="L-a")
    void.given(*shown("a", "b", month="3")).when(request(on="3-22")).accepted()


# Objections ------------------------------------------------------------------


def test_an_objection_is_accepted_from_the_first_to_the_last_day_of_the_notice():
    for on in ("2-16", "2-20"):
        running.when(post(PROJECT, objecting(), on)).moves()
    for on in ("2-15", "2-21"):
        running.when(post(PROJECT, objecting(), on)).refused(
            OutsideNotice, first_day=date(2019, 2, 16), last_day=date(2019, 2, 20)
        )


def test_an_objection_dated_within_the_notice_is_accepted_after_its_completion():
    a_noticed_project.when(post(PROJECT, objecting(), "2-20")).accepted()


def test_an_objection_needs_a_notice_that_lists_its_application():
    a_reviewed_project.when(post(PROJECT, objecting(), "2-17")).refused(NoNotice, wanted="running / completed")
    only_a = a_reviewed_project.given(post(PROJECT, notice("2-16", "2-20", "a"), "2-16"))
    only_a.when(post(PROJECT, objecting("b"), "2-17")).refused(NotInNotice, application="A-b")
    running.when(post(PROJECT, objecting("z"), "2-17")).refused(UnknownName, kind="application", name="A-z")
    objected().when(post(PROJECT, objecting("b"), "2-17")).refused(NameTaken, kind="objection", name="Y1")


def test_an_objection_to_a_decided_application_or_notice_is_refused():
    decided = awarded()
    decided.when(post(PROJECT, objecting(), "2-18")).refused(ObjectionTooLate, target="A-a")
    decided.when(post(PROJECT, objecting(None), "2-18")).refused(ObjectionTooLate, target="notice")
    only_a = only_a_awarded()
    only_a.when(post(PROJECT, objecting(), "2-18")).refused(ObjectionTooLate, target="A-a")
    only_a.when(post(PROJECT, objecting("b"), "2-18")).accepted()
    substitute = only_a.given(post(PROJECT, notice("3-2", "3-6", "b"), "3-2"))
    substitute.when(post(PROJECT, objecting(None), "3-3")).accepted()


@pytest.mark.parametrize("replaced", [("a", "b"), ("a",), ("b",)])
def test_an_objection_to_a_replaced_list_is_refused_once_one_of_its_applications_is_awarded(replaced):
    """Regression: such an objection was accepted after the decision and blocked the payments.

    The day of the objection lies in the days of the replaced notice.
    """
    noticed_twice = a_reviewed_project.given(
        post(PROJECT, notice("2-16", "2-20", *replaced), "2-16"),
        post(PROJECT, notice("2-21", "2-25", "a", "b"), "2-19"),
        post(PROJECT, NoticeCompleted(), "2-26"),
    )
    noticed_twice.when(post(PROJECT, objecting(None), "2-18")).accepted()
    only_a = decide_list(noticed_twice, TWO_ROWS[0])
    late = only_a.when(post(PROJECT, objecting(None), "2-18", booked="3-1"))
    if "a" in replaced:
        late.refused(ObjectionTooLate, target="notice")
    else:
        late.accepted()
        only_a.given(late.posted).when(request()).accepted()


@pytest.mark.parametrize("target", ["a", None])
def test_an_open_objection_blocks_new_notices_the_completion_of_a_notice_and_the_decision(target):
    late = a_noticed_project.given(post(PROJECT, objecting(target), "2-20"))
    late.when(post(PROJECT, award_list(late, row("b", "1.00", score=89)), "3-1")).refused(
        ObjectionOpen, objections="Y1"
    )
    late.when(post(PROJECT, notice("2-22", "2-28", "a"), "2-22")).refused(ObjectionOpen)
    objected(target).when(post(PROJECT, NoticeCompleted(), "2-21")).refused(ObjectionOpen)


def test_a_rejected_objection_changes_nothing():
    rejected = objected().given(post(PROJECT, resolving(upheld=False), "2-18"))
    completed = rejected.given(post(PROJECT, NoticeCompleted(), "2-21"))
    completed.when(post(PROJECT, award_list(completed, row("a", "1.00")), "3-1")).accepted()


def test_an_upheld_objection_excludes_its_application():
    upheld = objected().given(post(PROJECT, resolving(upheld=True), "2-18"), post(PROJECT, NoticeCompleted(), "2-21"))
    upheld.when(post(PROJECT, award_list(upheld, row("a", "1.00")), "3-1")).refused(NotStanding, application="A-a")
    upheld.when(post(PROJECT, award_list(upheld, row("b", "1.00", score=89)), "3-1")).accepted()
    upheld.when(post(PROJECT, review(a=90, b=89), "2-22")).refused(ScoresMismatch, applications="A-a")
    upheld.when(post(PROJECT, review(b=89), "2-22")).accepted()


def test_the_refusal_of_a_review_says_that_excluded_applications_are_not_scored():
    message = ScoresMismatch(applications="A-a")
    assert "not excluded" in str(message)
    assert "excluded" in message.remedy
    assert "排除" in message.chinese(TITLES)
    assert "排除" in message.remedy_zh


def test_a_resolution_records_its_application_or_the_review_that_it_voids():
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
    ).accepted()
    void.when(post(PROJECT, CallFailed(1, "评审无效"), "2-19")).accepted()


def test_an_objection_is_resolved_once_and_not_before_it_was_received():
    objected().when(post(PROJECT, resolving("Y9", upheld=True), "2-18")).refused(UnknownName, kind="objection")
    early = post(PROJECT, resolving(upheld=True), "2-16", booked="2-17")
    objected().when(early).refused(BeforeItsCause, cause="ObjectionReceived")
    resolved = objected().given(post(PROJECT, resolving(upheld=False), "2-18"))
    resolved.when(post(PROJECT, resolving(upheld=True), "2-19")).refused(ObjectionResolvedAlready, objection="Y1")


def test_an_objection_after_a_failed_call_is_refused():
    failed = a_noticed_project.given(post(PROJECT, CallFailed(1, "不足三家"), "2-22"))
    failed.when(post(PROJECT, objecting(), "2-18")).refused(NoRoundUnderWay)
