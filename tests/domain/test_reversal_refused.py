"""Reversals that are refused: irreversible types, moved money, later steps of the same entity, closed streams."""

from random import Random

import pytest
from msgspec.structs import replace

from domain.decision import POSTABLE
from domain.entry_reversed import EntryReversed
from domain.fund.funding import (
    AllotmentWithdrawn,
    AppropriationReceived,
    FundsAllotted,
    FundsReallocated,
    FundsReinstated,
    SurplusSurrendered,
)
from domain.fund.lifecycle import FundClosed
from domain.mirrors import MIRRORS, FundsPaidOut
from domain.posting import IN_TRANSIT, LINE, PAYABLE, POOL, RECOVERED, SURRENDERED
from domain.project.acceptance import AcceptancePassed, AcceptanceRequested
from domain.project.amendment import (
    AgreementSigned,
    AwardDeclined,
    ExtensionGranted,
    PayeeChanged,
)
from domain.project.award import AwardListDecided
from domain.project.call import (
    Applicant,
    ApplicationReceived,
    ApplicationScreened,
    ApplicationWithdrawn,
    CallClosed,
    CallPublished,
)
from domain.project.lifecycle import ProjectClosed
from domain.project.payment import (
    PaymentCancelled,
    PaymentConfirmed,
    PaymentFailed,
    PaymentInstructed,
    PaymentReturned,
)
from domain.project.recovery import RecoveryOrdered, RecoveryWaived
from domain.project.selection import (
    NoticeCompleted,
    NoticeStarted,
    ObjectionReceived,
    ObjectionResolved,
    ReviewConcluded,
)
from domain.rules.award import AwardInFlight
from domain.rules.call import AlreadyApplied, AlreadyReviewed
from domain.rules.fund import FundIsClosed
from domain.rules.reversal import BeforeClosing, MovedOn, NotReversible, NotTheLast, WouldUnsettle
from tests.lives import (
    ANOTHER,
    FUND,
    PROJECT,
    accepted,
    allotted,
    awarded,
    called,
    founded,
    instructed,
    line,
    notice,
    noticed,
    only_a_awarded,
    paid,
    payee,
    payee_waiver,
    request,
    reviewed,
    two_projects,
    unordered,
    wholly_paid,
    yuan,
)
from tests.random_life import prove
from tests.scenario import Scenario, day, post

two_awards = awarded()
confirmed = two_awards.given(*paid())
reviewed_project = Scenario().given(*allotted(line()), *reviewed())
signed = AgreementSigned("L-a", day("3-5"), day("2020-3-5"))
to_b = FundsReallocated("p", 1, "q", 1, yuan("60.00"))


def returned(amount: str = "30.00", on: str = "3-10"):
    return post(PROJECT, PaymentReturned("P1", yuan(amount), passive=False, reason="退款"), on)


def surrendered(amount: str = "10.00", on: str = "2020-2-1"):
    return post(FUND, SurplusSurrendered(RECOVERED, yuan(amount), "p", "L-a", 1), on, cites=("缴款书",))


# Irreversible types ----------------------------------------------------------

closed_fund = wholly_paid().given(post(PROJECT, ProjectClosed(), "8-1"), post(FUND, FundClosed(), "8-2"))
IRREVERSIBLE = sorted(name for name, fact in POSTABLE.items() if fact.reversible is None)


@pytest.fixture(scope="module")
def lives():
    return [prove(Random(seed), 400) for seed in range(12)]


@pytest.mark.parametrize("name", IRREVERSIBLE)
def test_an_entry_of_an_irreversible_type_cannot_be_reversed(name, lives):
    entries = ((life, event) for life in lives for event in life.events if type(event.fact).__name__ == name)
    life, entry = next(entries)
    on = life.day.isoformat()
    undo = post(entry.stream, EntryReversed(entry.version, "记错"), on, actor="会计主管", key="books")
    life.scenario.when(undo).refused(NotReversible, entry=name)


@pytest.mark.parametrize("mirror", MIRRORS, ids=lambda mirror: mirror.__name__)
def test_a_mirror_cannot_be_reversed_without_its_leader(mirror):
    withdrawn = two_projects().given(post(FUND, AllotmentWithdrawn("p", 1, yuan("1.00")), "1-7"))
    closed = withdrawn.given(post(PROJECT, ProjectClosed(), "1-8"))
    reopened = closed.given(closed.reversing(ProjectClosed, "1-8"))
    paid_out = two_awards.given(
        post(FUND, AppropriationReceived(yuan("50.00"), 2019), "3-1"), post(PROJECT, unordered("pool"), "3-2")
    )
    after = paid_out if mirror is FundsPaidOut else reopened
    after.when(after.reversing(mirror, "3-9")).refused(NotReversible, entry=mirror.__name__)


# Money that has moved on -----------------------------------------------------

ordered = confirmed.given(post(PROJECT, RecoveryOrdered("R1", "P1", yuan("20.00"), day("9-1"), "违规"), "4-1"))
with_recovered_money = two_awards.given(*paid(), returned(on="2020-1-10"))
reinstated = with_recovered_money.given(post(FUND, FundsReinstated("p", "L-a", 1, yuan("30.00")), "2020-2-1"))
declined = two_awards.given(post(PROJECT, AwardDeclined("L-a", "放弃"), "3-2"))
declined = declined.given(post(FUND, AllotmentWithdrawn("p", 2, yuan("1.00")), "3-3"))
closed_p = two_projects().given(post(PROJECT, ProjectClosed(), "1-7"))
accepted_and_requested = confirmed.given(*accepted(), request("P2", batch=2, amount="5.00", on="6-11"))
failed = post(PROJECT, PaymentFailed("P1", "账户异常"), "3-5")
failed_and_requested = two_awards.given(*instructed(), failed, request("P2", amount="1.00", on="3-6"))

MOVED_ON = [
    (two_projects(), AppropriationReceived, POOL, "0.00", "200.00"),
    (two_awards, FundsAllotted, LINE, "0.00", "40.00"),
    (
        two_projects().given(post(FUND, to_b, "1-7"), post(FUND, AllotmentWithdrawn("q", 1, yuan("50.00")), "1-8")),
        FundsReallocated,
        LINE,
        "10.00",
        "60.00",
    ),
    (
        reinstated.given(post(FUND, SurplusSurrendered(POOL, yuan("20.00")), "2020-2-2")),
        FundsReinstated,
        POOL,
        "10.00",
        "30.00",
    ),
    (two_awards.given(request()), AwardListDecided, PAYABLE, "0.00", "30.00"),
    (accepted_and_requested, AcceptancePassed, PAYABLE, "15.00", "20.00"),
    (confirmed, PaymentInstructed, IN_TRANSIT, "0.00", "30.00"),
    (confirmed.given(returned("10.00")), PaymentConfirmed, "paid", "20.00", "30.00"),
    (failed_and_requested, PaymentFailed, PAYABLE, "29.00", "30.00"),
    (confirmed.given(returned(), request("P2", on="3-11")), PaymentReturned, PAYABLE, "0.00", "30.00"),
    (reinstated, PaymentReturned, RECOVERED, "0.00", "30.00"),
    (with_recovered_money.given(surrendered()), PaymentReturned, RECOVERED, "20.00", "30.00"),
    (declined, AwardDeclined, LINE, "19.00", "20.00"),
    (closed_p.given(post(FUND, SurplusSurrendered(POOL, yuan("30.00")), "1-8")), ProjectClosed, POOL, "30.00", "60.00"),
]


@pytest.mark.parametrize(("after", "entry", "account", "here", "amount"), MOVED_ON)
def test_an_entry_whose_money_has_moved_on_cannot_be_reversed(after, entry, account, here, amount):
    after.when(after.reversing(entry, "2020-3-1")).refused(
        MovedOn, account=account, here=yuan(here), amount=yuan(amount)
    )


def test_the_part_of_an_entry_that_has_not_moved_on_can_be_reversed():
    after = with_recovered_money.given(surrendered())
    after.when(after.reversing(PaymentReturned, "2020-3-1", yuan("20.00"))).moves(("recovered", "paid", "20.00"))
    after.when(after.reversing(SurplusSurrendered, "2020-3-1", yuan("4.00"))).moves((SURRENDERED, RECOVERED, "4.00"))


# The last step first ---------------------------------------------------------

second_round = (
    post(PROJECT, CallPublished(2, day("4-1"), day("4-10")), "3-31"),
    post(PROJECT, ApplicationReceived("A-c", Applicant("示例c", "9c")), "4-2"),
)
objected = reviewed_project.given(
    post(PROJECT, notice("2-16", "2-20", "a", "b"), "2-16"),
    post(PROJECT, ObjectionReceived("Y1", "不实", "A-b"), "2-17"),
)
upheld = objected.given(post(PROJECT, ObjectionResolved("Y1", upheld=True, reason="属实"), "2-18"))
waived = two_awards.given(post(PROJECT, payee_waiver("L-a"), "3-2", **ANOTHER))
noticed_project = Scenario().given(*allotted(line()), *noticed())

STEPS = [
    (Scenario().given(*allotted(line()), *called()), CallPublished, "application", "A-a"),
    (reviewed_project, CallClosed, "round", "1"),
    (noticed_project, ReviewConcluded, "round", "1"),
    (noticed_project, NoticeStarted, "round", "1"),
    (two_awards, NoticeCompleted, "round", "1"),
    (only_a_awarded().given(*second_round[:1]), AwardListDecided, "round", "2"),
    (only_a_awarded().given(*second_round), CallPublished, "application", "A-c"),
    (reviewed_project, ApplicationReceived, "application", "A-b"),
    (upheld, ApplicationScreened, "application", "A-b"),
    (upheld, ObjectionReceived, "objection", "Y1"),
    (upheld.given(post(PROJECT, ApplicationWithdrawn("A-b", "放弃"), "2-19")), ObjectionResolved, "application", "A-b"),
    (two_awards.given(post(PROJECT, signed, "3-5")), AwardListDecided, "award", "L-a"),
    (waived, AwardListDecided, "waiver", "PayeeMismatch/award/L-a"),
    (
        two_awards.given(
            post(PROJECT, signed, "3-5"),
            post(PROJECT, ExtensionGranted("L-a", ends_on=day("2021-1-1")), "3-6"),
        ),
        AgreementSigned,
        "award",
        "L-a",
    ),
    (confirmed.given(*accepted()), AcceptanceRequested, "award", "L-a"),
    (
        ordered.given(post(PROJECT, RecoveryWaived("R1", yuan("5.00"), "破产"), "4-2", **ANOTHER)),
        RecoveryOrdered,
        "recovery",
        "R1",
    ),
]


@pytest.mark.parametrize(("after", "entry", "kind", "name"), STEPS)
def test_only_the_last_step_of_an_entity_can_be_reversed(after, entry, kind, name):
    after.when(after.reversing(entry, "8-1")).refused(NotTheLast, kind=kind, name=name)


def test_a_screening_cannot_be_reversed_after_the_review():
    reviewed_project.when(reviewed_project.reversing(ApplicationScreened, "2-16")).refused(AlreadyReviewed, round=1)


def test_a_withdrawal_cannot_be_reversed_after_the_applicant_has_applied_again():
    replaced = Scenario().given(
        *allotted(line()),
        *called(),
        post(PROJECT, ApplicationWithdrawn("A-a", "重报"), "2-6"),
        post(PROJECT, ApplicationReceived("A-a2", Applicant("示例a", "9a")), "2-7"),
    )
    replaced.when(replaced.reversing(ApplicationWithdrawn, "2-8")).refused(AlreadyApplied, application="A-a2")


def test_a_payee_change_cannot_be_reversed_during_a_payment_to_the_new_payee():
    changed = two_awards.given(post(PROJECT, PayeeChanged("L-a", payee("a"), payee("n"), "分管领导"), "3-2"))
    to_new = post(PROJECT, replace(request().fact, payee=payee("n")), "3-2", actor="申请人", key="treasury")
    under_way = changed.given(to_new)
    reversal = under_way.reversing(PayeeChanged, "3-3")
    under_way.when(reversal).refused(AwardInFlight, award="L-a", amount=yuan("30.00"))
    under_way.given(post(PROJECT, PaymentCancelled("P1", "作废"), "3-3")).when(reversal).accepted()


# Closings --------------------------------------------------------------------


def test_an_entry_before_a_closing_can_be_reversed_only_after_the_closing_is_reversed():
    closed = wholly_paid().given(post(PROJECT, ProjectClosed(), "8-1"))
    reversal = closed.reversing(PaymentConfirmed, "8-2")
    closed.when(reversal).refused(BeforeClosing, version=reversal.fact.version)
    closed.given(closed.reversing(ProjectClosed, "8-2")).when(reversal).accepted()


def test_entries_after_both_closings_can_be_reversed():
    late = closed_fund.given(returned("10.00", "8-3"), surrendered("10.00", "8-4"))
    late.when(late.reversing(PaymentReturned, "8-5")).refused(MovedOn, account=RECOVERED)
    taken_back = late.given(late.reversing(SurplusSurrendered, "8-5"))
    taken_back.when(taken_back.reversing(PaymentReturned, "8-6")).moves(("recovered", "paid", "10.00"))


def test_the_closing_of_a_project_cannot_be_reversed_under_a_closed_fund():
    idle = Scenario().given(
        *founded(line()),
        post(FUND, SurplusSurrendered(POOL, yuan("100.00")), "1-6"),
        post(PROJECT, ProjectClosed(), "1-7"),
    )
    idle.when(idle.reversing(ProjectClosed, "1-8")).accepted()
    ended = idle.given(post(FUND, FundClosed(), "1-8"))
    ended.when(ended.reversing(ProjectClosed, "1-9")).refused(FundIsClosed, fund="f")
    closed_fund.when(closed_fund.reversing(ProjectClosed, "8-3")).refused(FundIsClosed, fund="f")


def test_a_reversal_that_moves_money_to_a_closed_project_is_refused():
    closed = two_projects().given(
        post(FUND, AllotmentWithdrawn("p", 1, yuan("10.00")), "1-7"),
        post(FUND, FundsReallocated("p", 1, "q", 1, yuan("10.00")), "1-7"),
        post(PROJECT, ProjectClosed(), "1-8"),
    )
    for entry in (AllotmentWithdrawn, FundsReallocated):
        closed.when(closed.reversing(entry, "1-9")).refused(WouldUnsettle, account=LINE, amount=yuan("10.00"))
