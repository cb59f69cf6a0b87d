"""What went wrong and stands apart: irregular posts, payments nobody ordered, findings, holds, interest, endings."""

import pytest
from msgspec.structs import replace

from domain.decision import left_out_for
from domain.documents import Document
from domain.event import FoundBy, Irregularity, Reference
from domain.finding import FindingKind, FindingRecorded, FindingSettled, SettledBy
from domain.fund.funding import AppropriationReceived
from domain.fund.interest import InterestReceived, InterestSurrendered
from domain.fund.lifecycle import FundClosed
from domain.money import Money
from domain.posting import COMMITTED, INTEREST, LINE, PAID, PAYABLE, POOL, RECOVERED
from domain.project.acceptance import AcceptancePassed
from domain.project.amendment import AwardAmended, AwardDeclined, AwardRevoked, AwardTerminated
from domain.project.hold import FundsHeld, HoldReleased
from domain.project.lifecycle import ProjectClosed
from domain.project.payment import (
    PaymentApproved,
    PaymentCancelled,
    PaymentConfirmed,
    PaymentFailed,
    PaymentInstructed,
    PaymentRequested,
    PaymentReturned,
)
from domain.project.recovery import RecoveryOrdered, RecoveryReceived, RecoveryWaived
from domain.project.selection import NoticeCompleted
from domain.rules import RULES
from domain.rules.award import AwardPaid
from domain.rules.every_post import BalanceTooSmall, BeforeItsCause, DocumentAlreadyUsed, UnknownEntry, UnknownName
from domain.rules.finding import FindingSettledAlready, NotIrregular
from domain.rules.fund import MoneyLeft
from domain.rules.hold import HoldReleasedAlready, HoldStands, StillHeld
from domain.rules.interest import InterestTooLarge, MoreThanInterest, NothingReceived
from domain.rules.payment import GateShut, PayeeMismatch
from domain.rules.recovery import RecoveryOutstanding
from domain.rules.reversal import NotTheLast, WouldUnsettle
from domain.rules.waiver import SamePerson
from domain.state.entities import AwardStatus
from domain.state.fund import USUAL_MAX_APPROPRIATION
from tests.lives import (
    ANOTHER,
    FUND,
    PROJECT,
    accepted,
    actual,
    allotted,
    approvals,
    award_list,
    awarded,
    founded,
    instructed,
    line,
    notice,
    noticed,
    only_a_awarded,
    paid,
    payee,
    request,
    reviewed,
    revised,
    row,
    unordered,
    wholly_paid,
    yuan,
)
from tests.scenario import Scenario, day, post

decided = awarded()
confirmed = decided.given(*paid())
early = PaymentRequested("P2", "L-a", 2, yuan("20.00"), payee("a"))


def broke(*rules: str) -> tuple[Irregularity, ...]:
    return tuple(Irregularity(rule, FoundBy.AUDIT, Document("审计报告", "示例审〔2019〕1号")) for rule in rules)


def irregular(fact, on, *rules, **by):
    return post(PROJECT, fact, on, **{"actor": "检查员", "key": "inspection", **by}, irregular=broke(*rules))


def held(scenario: Scenario, account: str, award: str = "L-a", batch: int = 2) -> Money:
    project = scenario.ledger.project("p")
    return project.accounts.balance(account, project.place(award, batch))


# Irregular posts ---------------------------------------------------------------


def test_a_payment_behind_a_shut_gate_is_refused_as_a_wish_and_recorded_as_what_has_happened():
    decided.when(post(PROJECT, early, "3-2")).refused(GateShut)
    decided.when(irregular(early, "3-2", "GateShut")).moves(("committed", "in_approval", "20.00"))
    requested = decided.given(irregular(early, "3-2", "GateShut"))
    paid_early = requested.given(
        *approvals("P2"),
        post(PROJECT, PaymentInstructed("P2"), "3-4"),
        post(PROJECT, PaymentConfirmed("P2", yuan("20.00"), actual()), "3-5"),
    )
    assert held(paid_early, PAID) == yuan("20.00")
    assert held(paid_early, COMMITTED) == Money(0)


def test_money_of_an_irregular_payment_goes_back_to_where_its_gate_says():
    requested = decided.given(irregular(early, "3-2", "GateShut"))
    cancel = post(PROJECT, PaymentCancelled("P2", "停付"), "3-3")
    assert held(requested.given(cancel), COMMITTED) == yuan("20.00")
    instructed_ = requested.given(*approvals("P2"), post(PROJECT, PaymentInstructed("P2"), "3-4"), *paid())
    opened = instructed_.given(*accepted())
    failed = post(PROJECT, PaymentFailed("P2", "账户已销"), "6-11")
    assert held(opened.given(failed), PAYABLE) == yuan("20.00")
    returned = PaymentReturned("P2", yuan("20.00"), passive=True, reason="退票")
    confirmed_early = instructed_.given(post(PROJECT, PaymentConfirmed("P2", yuan("20.00"), actual()), "3-5"))
    confirmed_early.when(post(PROJECT, returned, "3-6")).moves(("paid", "recovered", "20.00"))


def test_the_acceptance_can_be_reversed_though_money_was_paid_before_it():
    early_paid = confirmed.given(
        irregular(early, "3-6", "GateShut"),
        *approvals("P2", "3-7"),
        post(PROJECT, PaymentInstructed("P2"), "3-8"),
        post(PROJECT, PaymentConfirmed("P2", yuan("20.00"), actual()), "3-9"),
        *accepted(),
    )
    early_paid.when(early_paid.reversing(AcceptancePassed, "6-12")).accepted()


def test_only_the_rules_that_would_have_refused_can_be_named():
    decided.when(irregular(early, "3-2", "GateShut", "PayeeMismatch")).refused(NotIrregular, rule="PayeeMismatch")
    decided.when(irregular(early, "3-2", "BalanceTooSmall")).refused(NotIrregular, rule="BalanceTooSmall")
    decided.when(irregular(request().fact, "3-2", "GateShut")).refused(NotIrregular, rule="GateShut")
    decided.when(post(FUND, InterestReceived(yuan("1.00")), "3-2", irregular=broke("GateShut"))).refused(NotIrregular)
    wrong = replace(early, payee=payee("c"))
    decided.when(irregular(wrong, "3-2", "GateShut")).refused(PayeeMismatch)
    decided.when(irregular(wrong, "3-2", "GateShut", "PayeeMismatch")).accepted()


def test_an_event_names_each_rule_that_it_broke_once():
    """Regression: it was recorded, and no event of any fund was folded after it."""
    decided.when(irregular(early, "3-2", "GateShut", "GateShut")).refused(NotIrregular, rule="GateShut")


def test_what_is_impossible_is_refused_all_the_same():
    decided.when(irregular(replace(early, amount=yuan("20.01")), "3-2", "GateShut")).refused(
        BalanceTooSmall, account="committed"
    )
    decided.when(irregular(replace(early, award="L-z"), "3-2", "GateShut")).refused(UnknownName)


def test_an_irregular_event_is_recorded_by_another_person_than_what_it_follows():
    decided.when(irregular(early, "3-2", "GateShut", actor="经办人", key="other")).refused(SamePerson)
    requested = decided.given(request())
    skipped = PaymentApproved("P1", "审批")
    by_requester = irregular(skipped, "3-3", "ApprovalOutOfTurn", actor="申请人", key="other")
    requested.when(by_requester).refused(SamePerson, who="申请人")
    requested.when(irregular(skipped, "3-3", "ApprovalOutOfTurn")).accepted()


def test_a_payment_that_was_requested_against_a_rule_is_not_refused_by_it_at_its_further_steps():
    wrong = PaymentRequested("P1", "L-a", 1, yuan("30.00"), payee("c"))
    requested = decided.given(irregular(wrong, "3-2", "PayeeMismatch"))
    approved = requested.given(*approvals("P1"))
    approved.when(post(PROJECT, PaymentInstructed("P1"), "3-4")).accepted()
    with_hold = approved.given(post(PROJECT, FundsHeld("H1", "法院", "保全", "L-a"), "3-4"))
    with_hold.when(post(PROJECT, PaymentInstructed("P1"), "3-5")).refused(HoldStands)
    another = {"actor": "另一检查员", "key": "inspection-2"}
    with_hold.when(irregular(PaymentInstructed("P1"), "3-5", "HoldStands", **another)).accepted()


def test_an_irregular_request_lets_only_what_stood_then_be_passed():
    """Regression: a request that broke one hold or objection was not stopped by any later one."""
    held_once = decided.given(hold(amount="45.00"))
    requested = held_once.given(irregular(request().fact, "3-3", "HoldStands"))
    requested.when(approvals(on="3-4")[0]).accepted()
    again = requested.given(post(PROJECT, FundsHeld("H2", "法院", "保全", "L-a"), "3-4"))
    again.when(approvals(on="3-4")[0]).refused(HoldStands, hold="H2")


def test_an_approval_names_a_level_of_the_payment_even_where_it_was_out_of_turn():
    requested = decided.given(request())
    requested.when(irregular(PaymentApproved("P1", "局长"), "3-3", "ApprovalOutOfTurn")).refused(
        RULES["ApprovalOutOfTurn"], level="局长"
    )


def test_an_irregular_event_of_a_round_is_recorded_by_another_person_than_its_notice_and_review():
    """Regression: it was compared with who had published the call only."""
    one = {"actor": "公示人", "key": "notice"}
    running = Scenario().given(
        *allotted(line()), *reviewed(), post(PROJECT, notice("2-16", "2-20", "a"), "2-16", **one)
    )
    ended = running.given(post(PROJECT, NoticeCompleted(), "2-21"))
    listed = award_list(ended, row("a", "30.00"), row("b", "30.00", rank=2, score=89))
    ended.when(irregular(listed, "2-25", "NotInNotice", **one)).refused(SamePerson, who="公示人")
    ended.when(irregular(listed, "2-25", "NotInNotice")).accepted()


def test_every_rule_that_can_be_left_out_is_improper_and_rests_on_more_than_sound_books():
    improper = {rule for rule in RULES.values() if rule.improper}
    assert {rule.source.kind for rule in improper} <= {"law", "seed", "setting", "practice"}
    assert left_out_for(PaymentRequested)


def test_each_rule_that_an_event_broke_opens_a_finding_that_disappears_only_with_the_event():
    short = irregular(early, "3-2", "GateShut")
    opened = decided.given(short)
    version = opened.last(PaymentRequested).version
    [(name, finding)] = opened.ledger.project("p").findings.items()
    assert (name, finding.opened.version, finding.settled) == (f"GateShut-{version}", version, False)
    found = confirmed.given(post(PROJECT, unordered("committed", batch=2), "3-6"))
    reversed_ = found.given(found.reversing(type(unordered("line")), "3-7"))
    assert not reversed_.ledger.project("p").findings
    [name] = found.ledger.project("p").findings
    settled = found.given(post(PROJECT, FindingSettled(name, SettledBy.EXPLAINED, "已说明"), "3-7"))
    settled.when(settled.reversing(type(unordered("line")), "3-8")).refused(NotTheLast, kind="finding", name=name)


# Payments that nobody ordered --------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "fact", "source"),
    [
        (decided, unordered("payable"), "payable"),
        (decided, unordered("committed", batch=2), "committed"),
        (only_a_awarded(), unordered("line"), "line"),
        (decided.given(post(FUND, AppropriationReceived(yuan("9.00"), 2019), "3-1")), unordered("pool"), "pool"),
    ],
)
def test_what_the_bank_paid_without_an_order_leaves_the_account_that_it_was_in(scenario, fact, source):
    scenario.when(post(PROJECT, fact, "3-5")).moves((source, "paid", "5.00"))
    found = scenario.given(post(PROJECT, fact, "3-5"))
    assert found.ledger.project("p").awarded == scenario.ledger.project("p").awarded
    order = RecoveryOrdered("R1", "U1", yuan("5.00"), day("9-1"), "重复支付")
    back = found.given(post(PROJECT, order, "3-6"), post(PROJECT, RecoveryReceived("R1", yuan("5.00")), "3-7"))
    assert back.ledger.fund("f").accounts.total((RECOVERED,)) == yuan("5.00")


def test_an_unordered_payment_does_not_let_a_reversal_give_unpaid_money_to_an_ended_award():
    """Regression: the unpaid money of the award counted as money of the payment that nobody ordered."""
    less = AwardAmended("L-a", 1, increase=False, amount=yuan("7.00"), reason="核减")
    ended = decided.given(post(PROJECT, unordered("payable"), "4-10"), post(PROJECT, less, "4-11")).given(
        post(PROJECT, AwardTerminated("L-a", "终止"), "4-12")
    )
    ended.when(ended.reversing(AwardAmended, "4-13")).refused(WouldUnsettle, account=PAYABLE)


def test_an_unordered_payment_is_refused_if_the_account_is_too_small_or_the_name_or_slip_is_used():
    decided.when(post(PROJECT, unordered("line"), "3-5")).refused(BalanceTooSmall, account="line")
    confirmed.when(post(PROJECT, replace(unordered("committed", batch=2), payment="P1"), "3-6")).refused(
        RULES["NameTaken"]
    )
    once = decided.given(post(PROJECT, unordered("committed", batch=2), "3-5", cites=(Document("流水号", "7"),)))
    again = replace(unordered("committed", batch=2), payment="U2")
    once.when(post(PROJECT, again, "3-5", cites=(Document("流水号", "7"),))).refused(DocumentAlreadyUsed)


def test_an_unordered_payment_repeats_a_payment_that_the_bank_confirmed():
    confirmed.when(post(PROJECT, unordered("committed", batch=2, repeats="P1"), "3-6")).accepted()
    in_transit = decided.given(*instructed())
    in_transit.when(post(PROJECT, unordered("committed", batch=2, repeats="P1"), "3-6")).refused(
        RULES["PaymentStatusWrong"]
    )


def test_what_a_bank_paid_out_of_the_pool_does_not_use_up_what_the_plan_allots():
    more = decided.given(post(FUND, AppropriationReceived(yuan("90.00"), 2019), "3-1"))
    found = more.given(post(PROJECT, unordered("pool"), "3-2"))
    assert found.ledger.fund("f").allotted == more.ledger.fund("f").allotted
    found.when(post(FUND, revised(line()), "3-3")).accepted()
    found.when(found.reversing(type(unordered("pool")), "3-3")).accepted()
    came_back = PaymentReturned("U1", yuan("5.00"), passive=True, year=2019, reason="退票")
    returned = found.given(post(PROJECT, came_back, "3-4"))
    back = returned.given(returned.reversing(PaymentReturned, "3-5"))
    for each in (returned, back, back.given(back.reversing(type(unordered("pool")), "3-6"))):
        assert each.ledger.fund("f").allotted == more.ledger.fund("f").allotted


def test_what_a_bank_paid_to_an_ended_award_without_an_order_takes_no_place():
    """Regression: the project then had more awards than the plan allows, though the other one was decided rightly."""
    one_place = Scenario().given(*allotted(line(awards=1)), *noticed())
    first = one_place.given(post(PROJECT, award_list(one_place, row("a", "30.00")), "3-1"))
    declined = first.given(post(PROJECT, AwardDeclined("L-a", "放弃"), "3-2"))
    second = declined.given(post(PROJECT, award_list(declined, row("b", "30.00", score=89)), "3-3"))
    found = second.given(post(PROJECT, unordered("line"), "3-4"))
    project, planned = found.ledger.project("p"), found.ledger.fund("f").line("p")
    assert project.places_taken(planned) == 1
    found.when(found.reversing(type(unordered("line")), "3-5")).accepted()


# Findings -----------------------------------------------------------------------

FOUND = FindingRecorded("W1", FindingKind.USE, "挪用", "审计局", amount=yuan("5.00"), due_on=day("9-1"))


@pytest.mark.parametrize("stream", [FUND, PROJECT])
def test_a_finding_is_recorded_and_settled_once_on_the_stream_of_a_fund_or_project(stream):
    found = decided.given(post(stream, FOUND, "4-1"))
    found.when(post(stream, FOUND, "4-2")).refused(RULES["NameTaken"], kind="finding")
    settle = FindingSettled("W1", SettledBy.REGULARISED, "已补正")
    decided.when(post(stream, settle, "4-2")).refused(UnknownName, kind="finding")
    found.when(post(stream, settle, "3-31")).refused(BeforeItsCause)
    settled = found.given(post(stream, settle, "4-2"))
    settled.when(post(stream, settle, "4-3")).refused(FindingSettledAlready)


def test_what_opened_a_finding_is_reversed_after_its_settlement_is():
    """Regression: a payment that the bank never made could not be taken back once its finding was settled."""
    found = decided.given(post(PROJECT, unordered("committed", batch=2), "3-2"))
    [name] = found.ledger.project("p").findings
    settled = found.given(post(PROJECT, FindingSettled(name, SettledBy.EXPLAINED, "误登"), "3-3"))
    settled.when(settled.reversing(type(unordered("pool")), "3-4")).refused(RULES["NotTheLast"], kind="finding")
    reopened = settled.given(settled.reversing(FindingSettled, "3-4"))
    back = reopened.given(reopened.reversing(type(unordered("pool")), "3-5"))
    assert not back.ledger.project("p").findings
    assert held(back, COMMITTED) == held(decided, COMMITTED)


@pytest.mark.parametrize("stream", [FUND, PROJECT])
def test_a_settlement_of_a_finding_is_reversed_once(stream):
    settle = FindingSettled("W1", SettledBy.EXPLAINED, "误登")
    settled = decided.given(post(stream, FOUND, "4-1"), post(stream, settle, "4-2"))
    reopened = settled.given(settled.reversing(FindingSettled, "4-3"))
    reopened.when(settled.reversing(FindingSettled, "4-4")).refused(RULES["AlreadyReversed"])
    again = reopened.given(post(stream, replace(settle, how=SettledBy.REGULARISED), "4-4"))
    again.when(settled.reversing(FindingSettled, "4-5")).refused(RULES["AlreadyReversed"])
    again.when(again.reversing(FindingSettled, "4-5")).accepted()


@pytest.mark.parametrize("name", ["GateShut-999", "PayeeMismatch-1", "UnorderedPaymentFound-7", "GateShut-0"])
def test_a_finding_is_not_recorded_under_a_name_that_an_event_may_give_it(name):
    """Regression: the finding that the event of this version opened took the place of the recorded one."""
    for stream in (FUND, PROJECT):
        decided.when(post(stream, replace(FOUND, finding=name), "4-1")).refused(RULES["NameTaken"], name=name)
    for free in ("GateShut", "GateShut-1a", "gateshut-1", "W-1", "审计-1"):
        decided.when(post(PROJECT, replace(FOUND, finding=free), "4-1")).accepted()


def test_a_finding_is_about_events_of_its_own_fund():
    own = replace(FOUND, events=(Reference("project/p", 1), Reference("fund/f", 2)))
    decided.when(post(PROJECT, own, "4-1")).accepted()
    decided.when(post(PROJECT, replace(FOUND, events=(Reference("project/p", 99),)), "4-1")).refused(UnknownEntry)
    decided.when(post(PROJECT, replace(FOUND, due_on=day("3-1")), "4-1")).refused(BeforeItsCause)


# Holds --------------------------------------------------------------------------


def hold(name: str = "H1", award: str | None = "L-a", amount: str | None = None):
    return post(PROJECT, FundsHeld(name, "法院", "保全", award, yuan(amount) if amount else None), "3-2")


def test_held_money_is_not_requested_approved_or_instructed_and_what_the_bank_paid_is_confirmed():
    decided.given(hold()).when(request(on="3-3")).refused(HoldStands, held="all", left=yuan("20.00"))
    requested = decided.given(request())
    requested.given(hold()).when(approvals()[0]).refused(HoldStands)
    approved = requested.given(*approvals())
    approved.given(hold()).when(post(PROJECT, PaymentInstructed("P1"), "3-4")).refused(HoldStands)
    in_transit = decided.given(*instructed())
    late = post(PROJECT, FundsHeld("H1", "法院", "保全", "L-a"), "3-4")
    in_transit.given(late).when(post(PROJECT, PaymentConfirmed("P1", yuan("30.00"), actual()), "3-5")).accepted()


def test_a_hold_up_to_an_amount_lets_the_rest_be_paid():
    some = decided.given(hold(amount="20.01"))
    some.when(request(on="3-3", amount="29.99")).accepted()
    some.when(request(on="3-3", amount="30.00")).refused(HoldStands, held="20.01", left=yuan("20.00"))
    other = request("P9", "b", on="3-3", amount="10.00")
    some.when(other).accepted()
    of_project = decided.given(hold(award=None, amount="99.00"))
    of_project.when(other).refused(HoldStands)


def test_a_released_hold_keeps_nothing_and_is_released_once():
    released = decided.given(hold(), post(PROJECT, HoldReleased("H1", "期满"), "3-3"))
    released.when(request(on="3-4")).accepted()
    released.when(post(PROJECT, HoldReleased("H1", "期满"), "3-4")).refused(HoldReleasedAlready)
    again = released.given(released.reversing(HoldReleased, "3-4"))
    again.when(request(on="3-5")).refused(HoldStands)


def test_a_project_is_closed_only_when_nothing_is_held():
    held_ = wholly_paid().given(post(PROJECT, FundsHeld("H1", "法院", "保全"), "7-20"))
    held_.when(post(PROJECT, ProjectClosed(), "8-1")).refused(StillHeld, holds="H1")
    held_.given(post(PROJECT, HoldReleased("H1", "期满"), "7-21")).when(
        post(PROJECT, ProjectClosed(), "8-1")
    ).accepted()


def test_the_closing_is_not_reversed_while_an_award_with_paid_money_has_ended_since():
    """Regression: the open project then had an ended award with paid money, which is refused while it is open."""
    closed = wholly_paid().given(post(PROJECT, ProjectClosed(), "8-1"))
    revoked = closed.given(post(PROJECT, AwardRevoked("L-a", "弄虚作假"), "8-2"))
    revoked.when(revoked.reversing(ProjectClosed, "8-3")).refused(RULES["NotTheLast"], kind="award", name="L-a")
    back = revoked.given(revoked.reversing(AwardRevoked, "8-3"))
    back.when(back.reversing(ProjectClosed, "8-4")).accepted()


# Interest -----------------------------------------------------------------------


def test_interest_has_serials_of_its_own_and_is_in_no_other_account():
    received = decided.given(post(FUND, InterestReceived(yuan("1.50")), "3-2"))
    fen = received.ledger.fund("f").accounts.fen(INTEREST)
    assert fen.ranges == ((decided.ledger.next_serial, decided.ledger.next_serial + 150),)
    assert received.ledger.fund("f").accounts.balance(POOL) == decided.ledger.fund("f").accounts.balance(POOL)
    received.when(post(FUND, InterestSurrendered(yuan("1.51")), "3-3")).refused(BalanceTooSmall, account="interest")
    received.when(post(FUND, InterestSurrendered(yuan("1.50")), "3-3")).moves(
        ("interest", "interest_surrendered", "1.50")
    )


def test_interest_is_not_above_the_ceiling_nor_for_days_that_are_to_come():
    above = InterestReceived(Money(USUAL_MAX_APPROPRIATION + 1))
    decided.when(post(FUND, above, "3-2")).refused(InterestTooLarge, ceiling=USUAL_MAX_APPROPRIATION)
    early_ = InterestReceived(yuan("1.00"), until=day("3-3"))
    decided.when(post(FUND, early_, "3-2")).refused(BeforeItsCause)


def test_a_recovery_demands_interest_besides_and_what_comes_says_how_much_of_it_is_which():
    order = RecoveryOrdered("R1", "P1", yuan("20.00"), day("9-1"), "违规", interest=yuan("2.00"))
    ordered = confirmed.given(post(PROJECT, order, "4-1"))
    ordered.when(post(PROJECT, RecoveryReceived("R1", yuan("0.00")), "4-2")).refused(NothingReceived)
    ordered.when(post(PROJECT, RecoveryReceived("R1", yuan("1.00"), interest=yuan("2.01")), "4-2")).refused(
        MoreThanInterest, outstanding=yuan("2.00")
    )
    ordered.when(post(PROJECT, RecoveryReceived("R1", yuan("20.00"), interest=yuan("2.00")), "4-2")).moves(
        ("paid", "recovered", "20.00"), ("treasury", "interest", "2.00")
    )
    principal = ordered.given(post(PROJECT, RecoveryReceived("R1", yuan("20.00")), "4-2"))
    assert list(principal.ledger.project("p").all_demanded()) == [("R1", 200)]
    waived = RecoveryWaived("R1", yuan("0.00"), "金额微小", interest=yuan("2.00"))
    assert not [*principal.given(post(PROJECT, waived, "4-3", **ANOTHER)).ledger.project("p").all_demanded()]


def test_a_project_is_not_closed_while_interest_is_demanded_and_a_fund_not_while_it_holds_interest():
    order = RecoveryOrdered("R1", "P1", yuan("1.00"), day("9-1"), "违规", interest=yuan("2.00"))
    ordered = wholly_paid().given(post(PROJECT, order, "7-20"))
    received = ordered.given(post(PROJECT, RecoveryReceived("R1", yuan("1.00")), "7-21"))
    received.when(post(PROJECT, ProjectClosed(), "8-1")).refused(RecoveryOutstanding, amount=yuan("2.00"))
    fund = Scenario().given(*founded(line()), post(FUND, InterestReceived(yuan("1.00")), "1-8"))
    fund.when(post(FUND, FundClosed(), "1-9")).refused(MoneyLeft, accounts=f"{POOL}, {INTEREST}")


# Endings ------------------------------------------------------------------------


@pytest.mark.parametrize(("fact", "status"), [(AwardRevoked, "revoked"), (AwardTerminated, "terminated")])
def test_an_award_can_be_ended_after_its_project_is_closed_and_nothing_moves(fact, status):
    closed = wholly_paid().given(post(PROJECT, ProjectClosed(), "8-1"))
    ended = closed.when(post(PROJECT, fact("L-a", "弄虚作假"), "9-1"))
    [event] = ended.events()
    assert event.moves == ()
    after = closed.given(post(PROJECT, fact("L-a", "弄虚作假"), "9-1"))
    assert after.ledger.project("p").awards["L-a"].status is AwardStatus(status)
    order = RecoveryOrdered("R1", "P1", yuan("30.00"), day("12-1"), "弄虚作假")
    after.given(post(PROJECT, order, "9-2")).when(
        post(PROJECT, RecoveryReceived("R1", yuan("30.00")), "9-3")
    ).accepted()


def test_a_paid_award_is_not_revoked_while_its_project_is_open():
    confirmed.when(post(PROJECT, AwardRevoked("L-a", "弄虚作假"), "4-1")).refused(AwardPaid)
    assert held(confirmed, LINE) == Money(0)
