"""Entries that can be reversed: each row is a scenario, and an entry that is posted, reversed and posted again."""

from datetime import date

import pytest
from immutables import Map
from msgspec.structs import fields, replace

from domain.decision import POSTABLE
from domain.documents import Claim, Document
from domain.entry_reversed import EntryReversed
from domain.event import Restored, claimed
from domain.fen import FenSet
from domain.finding import FindingKind, FindingRecorded, FindingSettled, SettledBy
from domain.fund.funding import (
    AllotmentWithdrawn,
    AppropriationReceived,
    FundsAllotted,
    FundsReallocated,
    FundsReinstated,
    SurplusSurrendered,
)
from domain.fund.interest import InterestReceived, InterestSurrendered
from domain.fund.lifecycle import YearCarriedForward
from domain.fund.reconciliation import StatementReconciled
from domain.mirrors import AllotmentReceived, AllotmentReduced, FundsReturnReversed
from domain.posting import POOL, RECOVERED
from domain.project.acceptance import AcceptanceFailed, AcceptancePassed, AcceptanceRequested, RectificationOrdered
from domain.project.amendment import (
    AgreementSigned,
    AwardAmended,
    AwardDeclined,
    AwardRevoked,
    AwardTerminated,
    ExtensionGranted,
    PayeeChanged,
)
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
from domain.project.hold import FundsHeld, HoldReleased
from domain.project.lifecycle import ProjectClosed
from domain.project.payment import PaymentConfirmed, PaymentFailed, PaymentInstructed, PaymentReturned
from domain.project.recovery import RecoveryExtended, RecoveryOrdered, RecoveryReceived, RecoveryWaived
from domain.project.rename import RecipientRenamed
from domain.project.selection import NoticeCompleted, ObjectionReceived, ObjectionResolved
from domain.recipient import Recipient
from domain.replay import advance
from domain.rules.every_post import BeforeItsCause, DocumentAlreadyUsed, PeriodIsClosed, UnknownEntry
from domain.rules.reversal import AlreadyReversed, MoreThanLeft, NotInPart
from domain.state.fund import Gate
from tests.lives import (
    ANOTHER,
    FUND,
    PROJECT,
    TWO_ROWS,
    accepted,
    actual,
    allotted,
    approvals,
    award_list,
    awarded,
    called,
    closed_months,
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
    review,
    reviewed,
    two_projects,
    unordered,
    wholly_paid,
    yuan,
)
from tests.scenario import Scenario, day, post

founded_fund = Scenario().given(*founded(line()))
allotted_fund = Scenario().given(*allotted(line()))
called_project = allotted_fund.given(*called())
call_closed = called_project.given(post(PROJECT, CallClosed(1), "2-11"))
reviewed_project = allotted_fund.given(*reviewed())
scored = reviewed_project.ledger.project("p").rounds["1"].scores
running = reviewed_project.given(post(PROJECT, notice("2-16", "2-20", "a", "b"), "2-16"))
objected, to_all = (
    running.given(post(PROJECT, ObjectionReceived("Y1", "不实", name), "2-17")) for name in ("A-a", None)
)
noticed_project = allotted_fund.given(*noticed())
decided = awarded()
behind_agreement = awarded(line(gates=(Gate.AGREEMENT, Gate.ACCEPTANCE)))
signed = AgreementSigned("L-a", day("3-5"), day("2020-3-5"))
to_instruct = decided.given(request(), *approvals())
in_transit = decided.given(*instructed())
confirmed = decided.given(*paid())
requested = confirmed.given(post(PROJECT, AcceptanceRequested("L-a"), "6-1"))
behind_midterm = awarded(line(gates=("midterm", "final"), checkpoints=("midterm", "final"))).given(
    post(PROJECT, AcceptanceRequested("L-a", "midterm"), "6-1")
)
failed = requested.given(post(PROJECT, AcceptanceFailed("L-a", "未达标"), "6-2"))
returned = PaymentReturned("P1", yuan("30.00"), passive=True, reason="退票")
with_recovered_money = confirmed.given(post(PROJECT, returned, "2020-1-10"))
ordered = confirmed.given(post(PROJECT, RecoveryOrdered("R1", "P1", yuan("20.00"), day("9-1"), "违规"), "4-1"))
empty_statement = StatementReconciled("0" * 64, day("1-1"), day("1-31"), 2, 0, yuan("0.00"), yuan("0.00"))
of_award = SurplusSurrendered(RECOVERED, yuan("30.00"), "p", "L-a", 1)

held = decided.given(post(PROJECT, FundsHeld("H1", "法院", "保全", "L-a"), "3-2"))
found = FindingRecorded("W1", FindingKind.USE, "挪用", "审计局")
in_project, in_fund = (decided.given(post(stream, found, "3-2")) for stream in (PROJECT, FUND))
with_more_money = decided.given(post(FUND, AppropriationReceived(yuan("50.00"), 2019), "3-1"))
with_interest = founded_fund.given(post(FUND, InterestReceived(yuan("60.00")), "1-8"))
with_order = RecoveryOrdered("R1", "P1", yuan("20.00"), day("9-1"), "违规", interest=yuan("20.00"))
ordered_with_interest = confirmed.given(post(PROJECT, with_order, "4-1"))

RAISED, LOWERED = True, False

ROWS = [
    (founded_fund, post(FUND, AppropriationReceived(yuan("50.00"), 2019), "1-7")),
    (founded_fund, post(FUND, FundsAllotted("p", 1, yuan("60.00")), "1-7")),
    (allotted_fund, post(FUND, AllotmentWithdrawn("p", 1, yuan("50.00")), "1-7")),
    (two_projects(), post(FUND, FundsReallocated("p", 1, "q", 2, yuan("50.00")), "1-7")),
    (with_recovered_money, post(FUND, FundsReinstated("p", "L-a", 1, yuan("30.00")), "2020-2-1")),
    (founded_fund, post(FUND, YearCarriedForward(2, 2018, yuan("100.00")), "1-7")),
    (founded_fund, post(FUND, empty_statement, "2-1")),
    (founded_fund.given(post(FUND, empty_statement, "2-1")), post(FUND, empty_statement, "2-2")),
    (founded_fund, post(FUND, SurplusSurrendered(POOL, yuan("50.00")), "1-7")),
    (with_recovered_money, post(FUND, of_award, "2020-2-1", cites=("缴款书",))),
    (allotted_fund, post(PROJECT, CallPublished(1, day("2-1"), day("2-10")), "1-31")),
    (called_project, post(PROJECT, CallExtended(1, day("2-20")), "2-6")),
    (called_project, post(PROJECT, CallClosed(1), "2-11")),
    (call_closed, post(PROJECT, CallFailed(1, "不足三家"), "2-12")),
    (called_project, post(PROJECT, ApplicationReceived("A-c", Applicant("示例c", "9c")), "2-6")),
    (reviewed_project, post(PROJECT, ApplicationWithdrawn("A-a", "不再申报"), "2-16")),
    (call_closed, post(PROJECT, ApplicationScreened("A-a", passed=False), "2-12")),
    (reviewed_project, post(PROJECT, review(a=1, b=2), "2-16")),
    (noticed_project, post(PROJECT, review(a=1, b=2), "2-22")),
    (noticed_project, post(PROJECT, notice("2-21", "2-25", "b"), "2-21")),
    (running, post(PROJECT, NoticeCompleted(), "2-21")),
    (running, post(PROJECT, ObjectionReceived("Y1", "不实", "A-a"), "2-17")),
    (objected, post(PROJECT, ObjectionResolved("Y1", upheld=False, reason="不实"), "2-18")),
    (objected, post(PROJECT, ObjectionResolved("Y1", upheld=True, reason="属实"), "2-18")),
    (to_all, post(PROJECT, ObjectionResolved("Y1", upheld=True, reason="属实"), "2-18")),
    (noticed_project, post(PROJECT, award_list(noticed_project, *TWO_ROWS), "3-1")),
    (only_a_awarded(), post(PROJECT, award_list(only_a_awarded(), TWO_ROWS[1]), "3-2")),
    (decided, post(PROJECT, signed, "3-5")),
    (behind_agreement, post(PROJECT, signed, "3-5")),
    (behind_agreement.given(post(PROJECT, signed, "3-5")), post(PROJECT, signed, "3-6")),
    (
        decided.given(post(PROJECT, signed, "3-5")),
        post(PROJECT, ExtensionGranted("L-a", ends_on=day("2021-1-1")), "3-6"),
    ),
    (
        only_a_awarded(),
        post(PROJECT, AwardAmended("L-a", 1, increase=True, amount=yuan("30.00"), reason="追加"), "3-5"),
    ),
    (decided, post(PROJECT, AwardAmended("L-a", 2, increase=False, amount=yuan("5.00"), reason="核减"), "3-5")),
    (decided, post(PROJECT, PayeeChanged("L-a", payee("a"), payee("n"), "分管领导"), "3-5")),
    (decided, post(PROJECT, RecipientRenamed("A-a", Recipient("示例a", "9a"), Recipient("示例n", "9n")), "3-5")),
    (decided, post(PROJECT, AwardDeclined("L-a", "放弃"), "3-5")),
    (decided, post(PROJECT, AwardRevoked("L-a", "弄虚作假"), "3-5")),
    (confirmed, post(PROJECT, AwardTerminated("L-a", "违约"), "3-6")),
    (confirmed, post(PROJECT, AcceptanceRequested("L-a"), "6-1")),
    (requested, post(PROJECT, AcceptancePassed("L-a"), "6-2")),
    (requested, post(PROJECT, AcceptanceFailed("L-a", "未达标"), "6-2")),
    (behind_midterm, post(PROJECT, AcceptancePassed("L-a", "midterm"), "6-2")),
    (failed, post(PROJECT, RectificationOrdered("L-a", day("6-30")), "6-3")),
    (to_instruct, post(PROJECT, PaymentInstructed("P1"), "3-4")),
    (in_transit, post(PROJECT, PaymentConfirmed("P1", yuan("30.00"), actual()), "3-5")),
    (in_transit, post(PROJECT, PaymentFailed("P1", "账户异常"), "3-5")),
    (confirmed, post(PROJECT, returned, "3-6")),
    (confirmed, post(PROJECT, returned, "2020-1-10")),
    (confirmed, post(PROJECT, RecoveryOrdered("R1", "P1", yuan("20.00"), day("9-1"), "违规"), "4-1")),
    (ordered, post(PROJECT, RecoveryReceived("R1", yuan("15.00")), "4-2")),
    (ordered, post(PROJECT, RecoveryWaived("R1", yuan("15.00"), "破产"), "4-2", **ANOTHER)),
    (ordered, post(PROJECT, RecoveryExtended("R1", day("2020-9-1")), "9-2")),
    (decided, post(PROJECT, payee_waiver("L-a"), "3-2", **ANOTHER)),
    (wholly_paid(), post(PROJECT, ProjectClosed(), "8-1")),
    (allotted_fund, post(PROJECT, ProjectClosed(), "1-7")),
    (decided, post(PROJECT, FundsHeld("H1", "法院", "保全", "L-a", yuan("10.00")), "3-2")),
    (held, post(PROJECT, HoldReleased("H1", "期满"), "3-3")),
    (in_project, post(PROJECT, FindingSettled("W1", SettledBy.EXPLAINED, "误登"), "3-3")),
    (in_fund, post(FUND, FindingSettled("W1", SettledBy.EXPLAINED, "误登"), "3-3")),
    (decided, post(PROJECT, unordered("committed", batch=2), "3-2")),
    (decided, post(PROJECT, unordered("payable"), "3-2")),
    (with_more_money, post(PROJECT, unordered("pool"), "3-2")),
    (only_a_awarded(), post(PROJECT, unordered("line"), "3-5")),
    (ordered_with_interest, post(PROJECT, RecoveryReceived("R1", yuan("15.00"), interest=yuan("1.00")), "4-2")),
    (ordered_with_interest, post(PROJECT, RecoveryReceived("R1", yuan("0.00"), interest=yuan("20.00")), "4-2")),
    (
        ordered_with_interest,
        post(PROJECT, RecoveryWaived("R1", yuan("1.00"), "破产", interest=yuan("2.00")), "4-2", **ANOTHER),
    ),
    (wholly_paid().given(post(PROJECT, ProjectClosed(), "8-1")), post(PROJECT, AwardRevoked("L-a", "弄虚作假"), "9-1")),
    (founded_fund, post(FUND, InterestReceived(yuan("50.00")), "1-7")),
    (with_interest, post(FUND, InterestSurrendered(yuan("50.00")), "1-9")),
]
IN_PART = [each for each in ROWS if each[1].fact.reversible.in_part]
WHOLE = [each for each in ROWS if each not in IN_PART]


def each_of(rows):
    return pytest.mark.parametrize(("before", "entry"), rows, ids=[type(entry.fact).__name__ for _, entry in rows])


def reversal_of(after, entry, amount=None):
    return after.reversing(type(entry.fact), str(entry.header.occurred_on), amount)


def state(scenario):
    """The state of the fund and its projects, without empty values and without the record of reversals."""
    values = {}
    for name, stream in scenario.ledger.streams.items():
        for field in fields(stream.state):
            value = getattr(stream.state, field.name)
            if field.name not in ("reversed", "appropriations", "ever_appropriated", "issued", "interest"):
                filled = {key: each for key, each in value.items() if each} if isinstance(value, Map) else value
                values[name, field.name] = filled
        received = getattr(stream.state, "appropriations", {})
        values[name, "carried"] = {version: each.carried for version, each in received.items() if each.carried}
    return values


def test_every_reversible_event_type_has_a_row():
    assert {type(entry.fact) for _, entry in ROWS} == {fact for fact in POSTABLE.values() if fact.reversible}


@each_of(ROWS)
def test_a_reversal_restores_the_state_before_the_entry(before, entry):
    after = before.given(entry)
    assert state(after) != state(before)
    assert state(after.given(reversal_of(after, entry))) == state(before)


@each_of(ROWS)
def test_a_reversed_entry_can_be_posted_again_with_the_same_numbers(before, entry):
    after = before.given(entry)
    again = after.given(reversal_of(after, entry)).given(entry)
    assert {at for at, value in state(again).items() if value} == {at for at, value in state(after).items() if value}


@each_of(ROWS)
def test_an_entry_can_be_reversed_only_once(before, entry):
    after = before.given(entry)
    twice = after.given(reversal_of(after, entry))
    twice.when(reversal_of(twice, entry)).refused(AlreadyReversed, version=after.last(type(entry.fact)).version)


@each_of(ROWS)
def test_a_reversal_cannot_be_dated_before_its_entry(before, entry):
    after = before.given(entry)
    early = reversal_of(after, entry)
    early = replace(early, header=replace(early.header, occurred_on=date(2019, 1, 1)))
    after.when(early).refused(BeforeItsCause, cause=type(entry.fact).__name__)


@each_of(WHOLE)
def test_most_entries_can_be_reversed_only_as_a_whole(before, entry):
    after = before.given(entry)
    after.when(reversal_of(after, entry, yuan("1.00"))).refused(NotInPart, entry=type(entry.fact).__name__)


@each_of(IN_PART)
def test_some_entries_can_be_reversed_in_several_parts(before, entry):
    after = before.given(entry)
    moves = before.when(entry).events()[0].moves
    total = FenSet.of(span for move in moves for span in move.fen.ranges).total
    part = after.given(reversal_of(after, entry, yuan("1.00")))
    left = yuan(f"{total // 100 - 1}.00")
    part.when(reversal_of(part, entry, yuan(f"{total // 100}.00"))).refused(MoreThanLeft, left=left)
    assert state(part.given(reversal_of(part, entry, left))) == state(before)
    assert state(part.given(reversal_of(part, entry))) == state(before)


@each_of(IN_PART)
def test_a_partial_reversal_moves_the_lowest_fen_of_the_entry(before, entry):
    after = before.given(entry)
    moved = before.when(entry).events()[0].moves[0].fen
    for move in after.when(reversal_of(after, entry, yuan("1.00"))).events()[0].moves:
        assert move.fen == moved.take(100)


# Details of a reversal --------------------------------------------------------


def test_a_reversal_records_the_reversed_type_the_restored_entities_and_the_freed_numbers():
    slip = Document("支付凭证号", "授权-1", year=2019)
    after = to_instruct.given(post(PROJECT, PaymentInstructed("P1"), "3-4", cites=(slip,)))
    [event] = after.when(after.reversing(PaymentInstructed, "3-5")).events()
    assert isinstance(event.fact, EntryReversed)
    assert (event.fact.entry, event.fact.restored) == ("PaymentInstructed", (Restored("payment", "P1"),))
    assert event.fact.frees == (Claim("支付凭证号", "2019/授权-1/1", "/test"),)


def test_a_reversal_between_fund_and_project_is_mirrored_on_the_other_stream():
    def facts(after, entry, on, amount=None):
        return [event.fact for event in after.when(after.reversing(entry, on, amount)).events()[1:]]

    assert facts(allotted_fund, FundsAllotted, "1-7") == [AllotmentReduced(2, yuan("40.00"))]
    withdrawn = allotted_fund.given(post(FUND, AllotmentWithdrawn("p", 1, yuan("5.00")), "1-7"))
    assert facts(withdrawn, AllotmentWithdrawn, "1-8") == [AllotmentReceived(1, yuan("5.00"))]
    moved = two_projects().given(post(FUND, FundsReallocated("p", 1, "q", 2, yuan("5.00")), "1-7"))
    assert facts(moved, FundsReallocated, "1-8", yuan("2.00")) == [
        AllotmentReduced(2, yuan("2.00")),
        AllotmentReceived(1, yuan("2.00")),
    ]
    closed = allotted_fund.given(post(PROJECT, ProjectClosed(), "1-7"))
    assert facts(closed, ProjectClosed, "1-8") == [FundsReturnReversed("p", yuan("100.00"), reopens=True)]
    part = facts(with_recovered_money, PaymentReturned, "2020-2-1", yuan("10.00"))
    assert part == [FundsReturnReversed("p", yuan("10.00"), reopens=False)]


def test_a_document_number_is_free_again_after_a_whole_reversal_but_not_after_a_partial_one():
    slip = (Document("缴款书", "1"),)
    received = ordered.given(post(PROJECT, RecoveryReceived("R1", yuan("15.00")), "4-2", cites=slip))
    again = post(PROJECT, RecoveryReceived("R1", yuan("5.00")), "4-4", cites=slip)
    part = received.given(received.reversing(RecoveryReceived, "4-3", yuan("10.00")))
    part.when(again).refused(DocumentAlreadyUsed, kind="缴款书")
    whole = part.given(part.reversing(RecoveryReceived, "4-4"))
    whole.when(again).accepted()


def test_a_reversal_that_was_recorded_without_the_source_of_the_numbers_frees_them_too():
    slip = (Document("支付凭证号", "授权-1", year=2019),)
    after = to_instruct.given(post(PROJECT, PaymentInstructed("P1"), "3-4", cites=slip))
    [event] = after.when(after.reversing(PaymentInstructed, "3-5")).events()
    assert isinstance(event.fact, EntryReversed)
    recorded_before = replace(event, fact=replace(event.fact, frees=(Claim("支付凭证号", "2019/授权-1/1"),)))
    claims = [set(advance(after.ledger, [each]).claims) for each in (event, recorded_before)]
    assert claims[0] == claims[1]
    assert claims[0] - set(after.ledger.claims) == set(claimed(event))
    assert set(after.ledger.claims) - claims[0] == {Claim("支付凭证号", "2019/授权-1/1", "/test")}


def test_the_document_number_of_a_reversal_can_be_used_only_once():
    slip = (Document("冲销凭证号", "红-1"),)

    def citing(scenario, entry):
        reversal = scenario.reversing(entry, "3-9")
        return replace(reversal, header=replace(reversal.header, documents=slip))

    once = confirmed.given(citing(confirmed, PaymentConfirmed))
    once.when(citing(once, PaymentInstructed)).refused(DocumentAlreadyUsed, kind="冲销凭证号")


def test_the_serials_of_a_reversed_appropriation_are_not_issued_again():
    after = founded_fund.given(founded_fund.reversing(AppropriationReceived, "1-7"))
    [event] = after.when(post(FUND, AppropriationReceived(yuan("1.00"), 2019), "1-8")).events()
    assert event.moves[0].fen == FenSet.span(10_000, 10_100)


def test_a_reversal_of_an_entry_in_a_closed_period_is_booked_in_the_open_period():
    late = confirmed.given(*closed_months(1, 3))
    [event] = late.when(late.reversing(PaymentConfirmed, "3-20")).events()
    assert (event.header.occurred_on, event.booked_on) == (date(2019, 3, 20), date(2019, 4, 1))
    reversal = late.reversing(PaymentConfirmed, "3-20")
    late.when(replace(reversal, header=replace(reversal.header, booked_on=date(2019, 3, 31)))).refused(PeriodIsClosed)


def test_a_reversal_must_name_an_entry_of_its_stream():
    confirmed.when(post(PROJECT, EntryReversed(999, "记错"), "3-9")).refused(UnknownEntry, stream=PROJECT, version=999)
    confirmed.when(post(FUND, EntryReversed(confirmed.last(PaymentConfirmed).version, "记错"), "3-9")).refused(
        UnknownEntry, stream=FUND
    )


def test_the_steps_of_a_payment_can_be_reversed_last_first_and_posted_again():
    scenario = confirmed.given(*accepted())
    for entry in (AcceptancePassed, AcceptanceRequested, PaymentConfirmed, PaymentInstructed):
        scenario = scenario.given(scenario.reversing(entry, "7-1"))
    assert state(scenario) == state(to_instruct)
    scenario.given(post(PROJECT, PaymentInstructed("P1"), "7-2")).when(
        post(PROJECT, PaymentConfirmed("P1", yuan("30.00"), actual("b")), "7-3")
    ).moves(("in_transit", "paid", "30.00"))
