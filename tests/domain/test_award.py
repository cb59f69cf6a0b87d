from dataclasses import replace
from decimal import Decimal

from domain.fen import FenSet
from domain.fund import Gate
from domain.posting import COMMITTED, LINE, PAYABLE, Place
from domain.project.award import AgreementSigned, AwardListDecided
from domain.project.call import NoticeCompleted, NoticeStarted, Proposal
from domain.rules.award import (
    BasisMismatch,
    FixedTotalNotUsed,
    LineNotAllotted,
    NoPlacesLeft,
    NotInNotice,
    ScoreMismatch,
)
from domain.rules.call import NoNotice, NotStanding
from domain.rules.every_post import BalanceTooSmall, BeforeItsCause, NameTaken, UnknownName, WindowEmpty
from domain.rules.fund import BatchNotInPlan
from tests.domain.lives import (
    PROJECT,
    allotted,
    award_list,
    awarded,
    founded,
    line,
    noticed,
    reviewed,
    row,
    yuan,
)
from tests.domain.scenario import Scenario, day, post

noticed_project = Scenario().given(*allotted(line()), *noticed())


def deciding(scenario: Scenario, *rows, on="3-1", **basis):
    fact = award_list(scenario, *rows)
    basis = {"review": fact.review, "notice": fact.notice, **basis}
    return scenario.when(post(PROJECT, AwardListDecided(method="按得分", awards=rows, **basis), on))


def test_an_award_is_payable_behind_an_open_gate_and_committed_behind_a_shut_one():
    scenario = deciding(noticed_project, row("a", "60.00", "40.00"))
    scenario.moves(("line", "payable", "60.00"), ("line", "committed", "40.00"))


def test_each_award_takes_the_lowest_fen_left_in_the_list_s_order():
    rows = row("a", "30.00", "20.00"), row("b", "30.00", "20.00", rank=2, score=89)
    moves = deciding(noticed_project, *rows).events()[0].moves
    assert [m.fen for m in moves] == [
        FenSet.span(0, 3_000),
        FenSet.span(6_000, 8_000),
        FenSet.span(3_000, 6_000),
        FenSet.span(8_000, 10_000),
    ]


def test_an_award_may_leave_money_in_the_line_unless_the_total_is_fixed():
    deciding(noticed_project, row("a", "50.00", "40.00")).counts()
    fixed = Scenario().given(*allotted(line(fixed=True)), *noticed())
    deciding(fixed, row("a", "50.00", "40.00")).refused(FixedTotalNotUsed, batch=1, left=yuan("10.00"))
    deciding(fixed, row("a", "60.00", "40.00")).counts()


def test_a_fixed_total_is_decided_on_a_line_that_is_wholly_allotted():
    bare = Scenario().given(*founded(line(fixed=True)), *noticed())
    deciding(bare, row("a", "60.00", "40.00")).refused(
        LineNotAllotted, batch=1, allotted=yuan("0.00"), planned=yuan("60.00")
    )


def test_awards_never_exceed_the_line():
    deciding(noticed_project, row("a", "60.01", "40.00")).refused(
        BalanceTooSmall, account=LINE, available=yuan("60.00"), amount=yuan("60.01")
    )
    rows = row("a", "60.00"), row("b", "0.01", rank=2, score=89)
    deciding(noticed_project, *rows).refused(BalanceTooSmall, available=yuan("0.00"))


def test_awards_are_for_planned_batches_only():
    deciding(noticed_project, row("a", "10.00", "10.00", "10.00")).refused(BatchNotInPlan, batch=3)


def test_awards_never_exceed_the_places():
    one = Scenario().given(*allotted(line(awards=1)), *noticed())
    rows = row("a", "30.00"), row("b", "30.00", rank=2, score=89)
    deciding(one, *rows).refused(NoPlacesLeft, limit=1, taken=0, asked=2)


def test_a_list_may_be_decided_again_for_places_and_money_that_are_left():
    first = noticed_project.given(deciding(noticed_project, row("a", "30.00", "20.00")).posted)
    deciding(first, row("b", "30.00", "20.00", score=89), on="3-2").counts()
    deciding(first, row("a", "30.00", "20.00"), on="3-2").refused(NameTaken, kind="award", name="L-a")


def test_an_award_goes_to_an_application_that_stands():
    again = replace(row("a", "1.00"), award="L-x")
    deciding(awarded(), again, on="3-2").refused(NotStanding, application="A-a")
    deciding(noticed_project, row("z", "1.00")).refused(UnknownName, name="A-z")


def test_nothing_is_awarded_without_a_notice():
    quiet = Scenario().given(*allotted(line()), *reviewed())
    decision = AwardListDecided(1, 1, "按得分", (row("a", "1.00"),))
    quiet.when(post(PROJECT, decision, "3-1")).refused(NoNotice)


def test_nothing_is_awarded_that_the_public_was_not_shown():
    shown = NoticeStarted((Proposal("A-a", yuan("50.00")),), day("2-16"), day("2-20"))
    partly = Scenario().given(
        *allotted(line()),
        *reviewed(),
        post(PROJECT, shown, "2-16"),
        post(PROJECT, NoticeCompleted(), "2-21"),
    )
    deciding(partly, row("b", "1.00", score=89)).refused(NotInNotice, application="A-b")


def test_an_award_cites_the_review_and_notice_in_force():
    deciding(noticed_project, row("a", "1.00"), review=1).refused(BasisMismatch, what="review", cited=1)
    deciding(noticed_project, row("a", "1.00"), notice=1).refused(BasisMismatch, what="notice", cited=1)


def test_a_list_names_each_rank_and_each_batch_of_an_award_once():
    twins = row("a", "30.00"), row("b", "30.00", score=89)
    deciding(noticed_project, *twins).refused(NameTaken, kind="rank")
    doubled = replace(row("a", "30.00"), amounts=row("a", "30.00").amounts * 2)
    deciding(noticed_project, doubled).refused(NameTaken, kind="batch")


def test_an_award_repeats_the_score_of_its_review():
    deciding(noticed_project, row("a", "1.00", score=91)).refused(ScoreMismatch, reviewed=Decimal(90))


def test_a_list_is_not_decided_before_its_notice_is_over():
    deciding(noticed_project, row("a", "1.00"), on="2-20").refused(BeforeItsCause, cause="NoticeCompleted")


def test_an_agreement_opens_its_gate():
    gates = (Gate.AGREEMENT, Gate.ACCEPTANCE)
    decided = awarded(line(gates=gates))
    place = Place("p", 1, "L-a")
    assert decided.books.project("p").accounts.balance(COMMITTED, place) == yuan("30.00")
    signed = AgreementSigned("L-a", day("3-5"), day("2020-3-5"))
    decided.when(post(PROJECT, signed, "3-5")).moves(("committed", "payable", "30.00"))
    after = decided.given(post(PROJECT, signed, "3-5")).books.project("p").accounts
    assert after.balance(PAYABLE, place) == yuan("30.00")
    assert after.balance(COMMITTED, Place("p", 2, "L-a")) == yuan("20.00")


def test_an_agreement_that_gates_nothing_moves_nothing():
    signed = AgreementSigned("L-a", day("3-5"), day("2020-3-5"))
    awarded().when(post(PROJECT, signed, "3-5")).moves()


def test_an_agreement_is_for_a_known_award_and_ends_after_it_starts():
    decided = awarded()
    early = post(PROJECT, AgreementSigned("L-a", day("3-5"), day("3-6")), "2-28", booked="3-5")
    decided.when(early).refused(BeforeItsCause, cause="AwardListDecided")
    decided.when(post(PROJECT, AgreementSigned("L-z", day("3-5"), day("3-6")), "3-5")).refused(UnknownName)
    decided.when(post(PROJECT, AgreementSigned("L-a", day("3-5"), day("3-4")), "3-5")).refused(WindowEmpty)
