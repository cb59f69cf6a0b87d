from decimal import Decimal

from msgspec.structs import replace

from domain.allocation import TIES
from domain.documents import Document
from domain.fen import FenSet
from domain.fund.funding import AllotmentWithdrawn, FundsAllotted
from domain.posting import LINE
from domain.project.amendment import AwardDeclined, AwardTerminated
from domain.project.award import AwardListDecided
from domain.project.eligibility import Awarded
from domain.project.payment import PaymentReturned
from domain.project.selection import NoticeCompleted, NoticeStarted, Proposal
from domain.rules.award import (
    AllocationMismatch,
    BasisMismatch,
    FixedTotalNotUsed,
    LineNotAllotted,
    NoPlacesLeft,
    NothingToShareBy,
    NotInNotice,
    QuantumTooCoarse,
    ScoreMismatch,
)
from domain.rules.call import NoNotice, NotStanding
from domain.rules.every_post import BalanceTooSmall, BeforeItsCause, NameTaken, UnknownName
from domain.rules.fund import BatchNotInPlan
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
    noticed,
    paid,
    review,
    reviewed,
    row,
    shown,
    yuan,
)
from tests.scenario import Scenario, day, post

noticed_project = Scenario().given(*allotted(line()), *noticed())


def deciding(scenario: Scenario, *rows, on="3-1", **basis):
    fact = award_list(scenario, *rows)
    basis = {"review": fact.review, "notice": fact.notice, **basis}
    return scenario.when(post(PROJECT, AwardListDecided(method="按得分", awards=rows, **basis), on))


def test_awarded_money_is_payable_behind_an_open_gate_and_committed_behind_a_shut_gate():
    scenario = deciding(noticed_project, row("a", "60.00", "40.00"))
    scenario.moves(("line", "payable", "60.00"), ("line", "committed", "40.00"))


def test_awards_take_the_lowest_remaining_fen_in_the_order_of_the_list():
    rows = row("a", "30.00", "20.00"), row("b", "30.00", "20.00", rank=2, score=89)
    moves = deciding(noticed_project, *rows).events()[0].moves
    assert [m.fen for m in moves] == [
        FenSet.span(0, 3_000),
        FenSet.span(6_000, 8_000),
        FenSet.span(3_000, 6_000),
        FenSet.span(8_000, 10_000),
    ]


def test_awards_can_leave_money_in_the_line_unless_its_total_is_fixed():
    deciding(noticed_project, row("a", "50.00", "40.00")).accepted()
    fixed = Scenario().given(*allotted(line(fixed=True)), *noticed())
    deciding(fixed, row("a", "50.00", "40.00")).refused(FixedTotalNotUsed, batch=1, left=yuan("10.00"))
    deciding(fixed, row("a", "60.00", "40.00")).accepted()


def test_a_fixed_total_can_be_awarded_only_if_the_line_is_wholly_allotted():
    bare = Scenario().given(*founded(line(fixed=True)), *noticed())
    deciding(bare, row("a", "60.00", "40.00")).refused(
        LineNotAllotted, batch=1, allotted=yuan("0.00"), planned=yuan("60.00")
    )


def test_awards_above_the_balance_of_the_line_are_refused():
    deciding(noticed_project, row("a", "60.01", "40.00")).refused(
        BalanceTooSmall, account=LINE, available=yuan("60.00"), amount=yuan("60.01")
    )
    rows = row("a", "60.00"), row("b", "0.01", rank=2, score=89)
    deciding(noticed_project, *rows).refused(BalanceTooSmall, available=yuan("60.00"), amount=yuan("60.01"))


def test_awards_can_use_only_planned_batches():
    deciding(noticed_project, row("a", "10.00", "10.00", "10.00")).refused(BatchNotInPlan, batch=3)


def test_more_awards_than_places_are_refused():
    one = Scenario().given(*allotted(line(awards=1)), *noticed())
    rows = row("a", "30.00"), row("b", "30.00", rank=2, score=89)
    deciding(one, *rows).refused(NoPlacesLeft, limit=1, taken=0, asked=2)


def test_a_second_list_can_use_the_remaining_places_and_money():
    first = noticed_project.given(deciding(noticed_project, row("a", "30.00", "20.00")).posted)
    deciding(first, row("b", "30.00", "20.00", score=89), on="3-2").accepted()
    deciding(first, row("a", "30.00", "20.00"), on="3-2").refused(NameTaken, kind="award", name="L-a")


def test_an_award_needs_an_application_that_exists_and_is_eligible():
    again = replace(row("a", "1.00"), award="L-x")
    deciding(awarded(), again, on="3-2").refused(NotStanding, application="A-a")
    deciding(noticed_project, row("z", "1.00")).refused(UnknownName, name="A-z")


def test_an_award_list_without_a_notice_is_refused():
    quiet = Scenario().given(*allotted(line()), *reviewed())
    decision = AwardListDecided("按得分", (row("a", "1.00"),), 1, 1)
    quiet.when(post(PROJECT, decision, "3-1")).refused(NoNotice)


def test_an_award_to_an_application_outside_the_notice_is_refused():
    shown = NoticeStarted(day("2-16"), day("2-20"), (Proposal("A-a", yuan("50.00")),))
    partly = Scenario().given(
        *allotted(line()),
        *reviewed(),
        post(PROJECT, shown, "2-16"),
        post(PROJECT, NoticeCompleted(), "2-21"),
    )
    deciding(partly, row("b", "1.00", score=89)).refused(NotInNotice, application="A-b")


def test_an_award_list_must_cite_the_current_review_and_notice():
    deciding(noticed_project, row("a", "1.00"), review=1).refused(BasisMismatch, what="review", cited=1)
    deciding(noticed_project, row("a", "1.00"), notice=1).refused(BasisMismatch, what="notice", cited=1)


def test_duplicate_ranks_awards_applications_and_batches_are_refused():
    twins = row("a", "30.00"), row("b", "30.00", score=89)
    deciding(noticed_project, *twins).refused(NameTaken, kind="rank")
    same_award = row("a", "30.00"), replace(row("b", "30.00", rank=2, score=89), award="L-a")
    deciding(noticed_project, *same_award).refused(NameTaken, kind="award", name="L-a")
    same = row("a", "30.00"), replace(row("a", "30.00", rank=2), award="L-b")
    deciding(noticed_project, *same).refused(NameTaken, kind="application", name="A-a")
    doubled = replace(row("a", "30.00"), amounts=row("a", "30.00").amounts * 2)
    deciding(noticed_project, doubled).refused(NameTaken, kind="batch")


def test_an_award_must_have_the_score_of_the_review():
    deciding(noticed_project, row("a", "1.00", score=91)).refused(ScoreMismatch, reviewed=Decimal(90))


def test_an_award_list_cannot_be_dated_before_its_notice_is_completed():
    deciding(noticed_project, row("a", "1.00"), on="2-20").refused(BeforeItsCause, cause="NoticeCompleted")


def test_an_award_list_cannot_be_dated_before_its_review():
    again = noticed_project.given(post(PROJECT, review(a=90, b=89), "2-25"), *shown("a", "b", month="3"))
    deciding(again, row("a", "1.00"), on="3-21").accepted()
    deciding(again, row("a", "1.00"), on="2-24").refused(BeforeItsCause)


def test_an_ended_award_frees_its_place_only_if_no_money_remains_paid():
    shown_b = shown("b", month="4")
    one = decided(Scenario().given(*allotted(line(awards=1)), *noticed()), row("a", "30.00", "20.00"))
    freed = one.given(post(PROJECT, AwardDeclined("L-a", "放弃"), "3-2"), *shown_b)
    deciding(freed, row("b", "30.00", "20.00", score=89), on="4-22").accepted()
    kept = one.given(*paid(), post(PROJECT, AwardTerminated("L-a", "违约"), "3-20"), *shown_b)
    deciding(kept, row("b", "30.00", "20.00", score=89), on="4-22").refused(NoPlacesLeft, limit=1, taken=1, asked=1)
    returned = PaymentReturned("P1", yuan("30.00"), passive=False, reason="退款")
    emptied = kept.given(post(PROJECT, returned, "4-21"))
    deciding(emptied, row("b", "30.00", "20.00", score=89), on="4-22").accepted()


def test_a_substitute_must_get_the_whole_fixed_total():
    fixed = decided(Scenario().given(*allotted(line(fixed=True)), *noticed()), row("a", "60.00", "40.00"))
    declined = fixed.given(post(PROJECT, AwardDeclined("L-a", "放弃"), "3-2"), *shown("b"))
    deciding(declined, row("b", "60.00", "39.99", score=89), on="3-3").refused(
        FixedTotalNotUsed, batch=2, left=yuan("0.01")
    )
    deciding(declined, row("b", "60.00", "40.00", score=89), on="3-3").accepted()


def test_a_fixed_total_must_be_wholly_allotted_only_for_its_first_decision():
    fixed = decided(Scenario().given(*allotted(line(fixed=True)), *noticed()), row("a", "60.00", "40.00"))
    less = fixed.given(
        post(PROJECT, AwardDeclined("L-a", "放弃"), "3-2"),
        post(FUND, AllotmentWithdrawn("p", 1, yuan("10.00")), "3-3"),
        *shown("b", month="4"),
    )
    deciding(less, row("b", "50.00", "40.00", score=89), on="4-22").accepted()
    open_total = Scenario().given(*founded(line()), post(FUND, FundsAllotted("p", 1, yuan("5.00")), "1-6"), *noticed())
    deciding(open_total, row("a", "5.00")).accepted()


# By score --------------------------------------------------------------------


def by_score(*rows: Awarded, quantum: str | None = None, scores: dict[str, int] | None = None):
    scored = Scenario().given(*allotted(line()), *noticed())
    if scores:
        scored = scored.given(post(PROJECT, review(**scores), "2-22"), *shown("a", "b", month="3"))
    fact = replace(award_list(scored, *rows), by_score=True, quantum=yuan(quantum) if quantum else None)
    return scored.when(post(PROJECT, fact, "3-21"))


def test_amounts_declared_as_by_score_must_equal_the_allocation():
    """Two batches of 60 and 40 yuan are shared by the scores 90 and 89.

    The first award gets 50.28 yuan in total, of which 30.17 yuan are in the first batch.
    """
    right = row("a", "30.17", "20.11"), row("b", "29.83", "19.89", rank=2, score=89)
    by_score(*right).accepted()
    even = row("a", "30.00", "20.00"), row("b", "30.00", "20.00", rank=2, score=89)
    by_score(*even).refused(AllocationMismatch, award="L-a", batch=1, amount=yuan("30.00"), expected=yuan("30.17"))


def test_the_quantum_of_the_list_overrides_the_quantum_of_the_fund():
    whole = row("a", "30.00", "20.00"), row("b", "30.00", "20.00", rank=2, score=89)
    by_score(*whole, quantum="5.00").accepted()
    by_score(*whole, quantum="0.07").refused(QuantumTooCoarse, batch=1, amount=yuan("60.00"), quantum=yuan("0.07"))


def test_the_odd_quantum_goes_to_the_earlier_application_number_regardless_of_rank():
    even = {"a": 50, "b": 50}
    right = row("b", "20.00", "20.00", score=50), row("a", "40.00", "20.00", rank=2, score=50)
    by_score(*right, quantum="20.00", scores=even).accepted()
    wrong = row("b", "40.00", "20.00", score=50), row("a", "20.00", "20.00", rank=2, score=50)
    by_score(*wrong, quantum="20.00", scores=even).refused(AllocationMismatch, award="L-b", expected=yuan("20.00"))


def test_application_numbers_are_ordered_by_value_regardless_of_their_spelling():
    numbers = {"a": "受理-10", "b": "受理-９"}
    applications = (
        replace(each, header=replace(each.header, documents=(Document("受理号", numbers[name]),)))
        for name, each in zip(numbers, called()[1:], strict=True)
    )
    begun = Scenario().given(*allotted(line()), called()[0], *applications, *reviewed()[3:])
    again = begun.given(post(PROJECT, review(a=50, b=50), "2-16"), *shown("a", "b", month="3"))
    rows = row("b", "40.00", "20.00", score=50), row("a", "20.00", "20.00", rank=2, score=50)
    fact = replace(award_list(again, *rows), by_score=True, quantum=yuan("20.00"))
    again.when(post(PROJECT, fact, "3-21")).accepted()


def test_the_quantum_and_the_tie_order_of_an_allocation_are_recorded():
    right = row("a", "30.17", "20.11"), row("b", "29.83", "19.89", rank=2, score=89)
    [event] = by_score(*right).events()
    assert (event.fact.quantum, event.fact.tie_order) == (SETTINGS.quantum, TIES)
    whole = row("a", "30.00", "20.00"), row("b", "30.00", "20.00", rank=2, score=89)
    sent = by_score(*whole, quantum="5.00")
    [event] = sent.when(replace(sent.posted, fact=replace(sent.posted.fact, tie_order="抽签"))).events()
    assert (event.fact.quantum, event.fact.tie_order) == (yuan("5.00"), TIES), "the order that was used, not sent"
    [not_by_score] = deciding(noticed_project, row("a", "1.00")).events()
    assert (not_by_score.fact.quantum, not_by_score.fact.tie_order) == (None, None)


def test_an_allocation_by_scores_of_zero_is_refused():
    zero = {"a": 0, "b": 0}
    by_score(row("a", "30.00", score=0), scores=zero).refused(NothingToShareBy)


def test_amounts_not_declared_as_by_score_are_not_compared_with_the_allocation():
    deciding(noticed_project, row("a", "30.00", "20.00"), row("b", "1.00", rank=2, score=89)).accepted()
