"""Awards that are chosen from a list: no call, application or score; the public notice says who gets what and why."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from domain.fund.lifecycle import SettingsChanged
from domain.project.amendment import AwardDeclined
from domain.project.award import AwardListDecided
from domain.project.call import (
    Applicant,
    ApplicationReceived,
    ApplicationScreened,
    ApplicationWithdrawn,
    CallFailed,
    CallPublished,
)
from domain.project.eligibility import Awarded, BatchAmount
from domain.project.selection import (
    Entry,
    NoticeCompleted,
    NoticeStarted,
    ObjectionReceived,
    ObjectionResolved,
    Proposal,
    ReviewConcluded,
    Score,
)
from domain.rules.award import (
    AboveNotice,
    BasisMismatch,
    NobodyListed,
    NoPlacesLeft,
    NothingToShareBy,
    NotInNotice,
    PayeeNotApplicant,
    ScoreMismatch,
)
from domain.rules.call import (
    CallIsClosed,
    InvalidCode,
    NoNotice,
    NoRoundUnderWay,
    NoticeRunning,
    NoticeTooShort,
    NotStanding,
    SelectionMismatch,
)
from domain.rules.every_post import BeforeItsCause, NameTaken, UnknownName
from domain.rules.fund import ListHasNoScores
from domain.rules.reversal import NotTheLast
from domain.state.fund import NoticeOrder, Selection, Share
from domain.why import why
from tests.lives import FUND, PROJECT, SETTINGS, allotted, balances, called, line, paid, payee, plan, revised, yuan
from tests.scenario import Scenario, day, post

REWARDS = replace(line(amounts=("100.00",), gates=("award",), awards=3), selection=Selection.LIST)
"""100 yuan for at most three rewards, which are paid once they are awarded."""


def recipient(name: str) -> Applicant:
    return Applicant(payee(name).name, payee(name).uscc)


def entry(name: str, amount: str = "20.00", *, of: str | None = None) -> Entry:
    """The entry E-`name` of the list; `of`: its recipient, by default the one called `name`."""
    return Entry(f"E-{name}", recipient(of or name), "发明专利授权", yuan(amount), "奖励办法第五条，专利证书")


def shows(*entries: Entry, again: tuple[Proposal, ...] = (), on: str = "2-16", last: str = "2-20") -> NoticeStarted:
    return NoticeStarted(day(on), day(last), again, entries or None)


def rewarded(name: str, amount: str = "20.00", *, to: str | None = None, rank: int = 1) -> Awarded:
    return Awarded(f"L-{name}", f"E-{name}", payee(to or name), rank, (BatchAmount(1, yuan(amount)),))


def the_list(scenario: Scenario, *rows: Awarded, **changes: object) -> AwardListDecided:
    return replace(AwardListDecided("按奖励办法", rows, notice=scenario.last(NoticeStarted).version), **changes)


an_open_project = Scenario().given(*allotted(REWARDS))
running = an_open_project.given(post(PROJECT, shows(entry("a"), entry("b")), "2-16"))
shown = running.given(post(PROJECT, NoticeCompleted(), "2-21"))
decided = shown.given(post(PROJECT, the_list(shown, rewarded("a"), rewarded("b", rank=2)), "2-25"))


def decide(scenario: Scenario, *rows: Awarded, **changes: object) -> Scenario:
    return scenario.when(post(PROJECT, the_list(scenario, *rows, **changes), "2-25"))


# The whole way --------------------------------------------------------------------


def test_a_reward_is_paid_after_notice_and_list_without_a_call_or_a_score():
    assert decided.ledger.project("p").rounds["1"].is_list
    done = decided.given(*paid(amount="20.00"))
    assert balances(done) == {"line": "60.00", "payable": "20.00", "paid": "20.00"}


def test_the_first_notice_of_a_list_opens_a_round_and_a_later_one_continues_it():
    first = an_open_project.when(post(PROJECT, shows(entry("a")), "2-16"))
    first.then(replace(shows(entry("a")), round=1, opens_round=True))
    running.when(post(PROJECT, shows(entry("c")), "2-16")).then(replace(shows(entry("c")), round=1))


def test_one_recipient_may_have_several_entries():
    twice = an_open_project.given(post(PROJECT, shows(entry("a"), entry("more", of="a")), "2-16"))
    noticed = twice.given(post(PROJECT, NoticeCompleted(), "2-21"))
    decide(noticed, rewarded("a"), rewarded("more", to="a", rank=2)).accepted()


def test_a_corrected_notice_shows_known_entries_again_by_their_names():
    again = shows(entry("c"), again=(Proposal("E-a", yuan("25.00")),), on="2-21", last="2-27")
    corrected = running.given(post(PROJECT, again, "2-21"), post(PROJECT, NoticeCompleted(), "2-28"))
    later = {"on": "3-1"}
    listed = the_list(corrected, rewarded("a", "25.00"), rewarded("c", rank=2))
    corrected.when(post(PROJECT, listed, later["on"])).accepted()
    missing = the_list(corrected, rewarded("b"))
    corrected.when(post(PROJECT, missing, later["on"])).refused(NotInNotice, application="E-b")


def test_after_the_decision_a_new_notice_with_entries_opens_the_next_round():
    second = decided.given(post(PROJECT, shows(entry("c"), on="3-1", last="3-7"), "3-1"))
    assert [each.is_list for each in second.ledger.project("p").rounds.values()] == [True, True]
    again = (Proposal("E-a", yuan("30.00")),)
    decided.when(post(PROJECT, shows(again=again, on="3-1", last="3-7"), "3-1")).then(
        shows(again=again, on="3-1", last="3-7")
    )


def test_a_list_of_which_nobody_is_awarded_is_declared_failed():
    failed = running.given(post(PROJECT, CallFailed(1, "公示后核实均不符合条件"), "2-25"))
    failed.when(post(PROJECT, shows(entry("c"), on="3-1", last="3-7"), "3-1")).accepted()


def test_a_recipient_withdraws_and_cannot_be_awarded_then():
    without = shown.given(post(PROJECT, ApplicationWithdrawn("E-a", "自愿放弃"), "2-22"))
    decide(without, rewarded("a")).refused(NotStanding, application="E-a", lacks="withdrawn")
    shown.when(post(PROJECT, ApplicationWithdrawn("E-a", "自愿放弃"), "2-15")).refused(
        BeforeItsCause, cause="NoticeStarted"
    )


def test_the_list_precedes_the_decision_even_where_notices_follow_it():
    settings = replace(SETTINGS, notice_order=NoticeOrder.AFTER_DECISION)
    after = Scenario().given(*allotted(REWARDS), post(FUND, SettingsChanged(settings), "1-7"))
    started = after.given(post(PROJECT, shows(entry("a")), "2-16"))
    started.when(post(PROJECT, the_list(started, rewarded("a"), notice=None), "2-18")).refused(
        NoNotice, wanted="completed"
    )
    completed = started.given(post(PROJECT, NoticeCompleted(), "2-21"))
    decide(completed, rewarded("a")).accepted()


# What a list has not ----------------------------------------------------------------


def test_a_list_has_no_call_and_an_open_call_no_entries():
    call = CallPublished(1, day("2-1"), day("2-10"))
    an_open_project.when(post(PROJECT, call, "2-1")).refused(SelectionMismatch, project="p", selection="list")
    open_call = Scenario().given(*allotted(line()))
    for scenario in (open_call, open_call.given(*called())):
        scenario.when(post(PROJECT, shows(entry("x")), "2-16")).refused(SelectionMismatch, selection="open_call")


def test_entries_are_neither_received_nor_screened_nor_scored():
    received = ApplicationReceived("A-c", recipient("c"))
    running.when(post(PROJECT, received, "2-16")).refused(CallIsClosed, round=1)
    running.when(post(PROJECT, ApplicationScreened("E-a", passed=False), "2-17")).refused(SelectionMismatch)
    scores = ReviewConcluded("专家评审", (Score("E-a", Decimal(90)), Score("E-b", Decimal(80))))
    running.when(post(PROJECT, scores, "2-17")).refused(SelectionMismatch)


def test_the_award_list_cites_no_review_and_gives_no_scores():
    decide(shown, rewarded("a"), review=1).refused(BasisMismatch, what="review", cited=1, current=None)
    scored = replace(rewarded("a"), score=Decimal(0))
    decide(shown, scored).refused(ScoreMismatch, application="E-a", score=Decimal(0), reviewed=None)
    decide(shown, rewarded("a"), by_score=True).refused(NothingToShareBy)


def test_a_line_that_is_shared_by_score_cannot_be_a_list():
    by_score = replace(REWARDS, share=Share.BY_SCORE)
    an_open_project.when(post(FUND, revised(by_score), "2-1")).refused(ListHasNoScores, project="p")
    founded = Scenario().given(*allotted(REWARDS)[:2])
    founded.when(post(FUND, plan(by_score), "1-3")).refused(ListHasNoScores, project="p")


# What holds for lists too -------------------------------------------------------------


def test_a_notice_needs_an_entry_of_a_valid_recipient_with_a_new_name():
    an_open_project.when(post(PROJECT, shows(), "2-16")).refused(NoRoundUnderWay)
    running.when(post(PROJECT, shows(), "2-16")).refused(NobodyListed)
    invalid = replace(entry("c"), recipient=Applicant("无代码", "0无效"))
    an_open_project.when(post(PROJECT, shows(invalid), "2-16")).refused(InvalidCode)
    running.when(post(PROJECT, shows(entry("a")), "2-16")).refused(NameTaken, kind="application", name="E-a")
    an_open_project.when(post(PROJECT, shows(entry("a"), entry("a")), "2-16")).refused(NameTaken, name="E-a")
    unknown = shows(entry("a"), again=(Proposal("E-x", yuan("1.00")),))
    an_open_project.when(post(PROJECT, unknown, "2-16")).refused(UnknownName, name="E-x")
    earlier = shows(entry("c"), again=(Proposal("E-a", yuan("1.00")),), on="3-1", last="3-7")
    decided.when(post(PROJECT, earlier, "3-1")).refused(NotStanding, application="E-a", lacks="past")


def test_the_notice_is_long_enough_and_completed_before_the_decision():
    short = shows(entry("a"), last="2-18")
    an_open_project.when(post(PROJECT, short, "2-16")).refused(NoticeTooShort, days=3, required=5)
    decide(running, rewarded("a")).refused(NoNotice, wanted="completed")


def test_no_more_is_awarded_than_shown_and_only_to_who_is_on_the_list():
    decide(shown, rewarded("a", "20.01")).refused(AboveNotice, shown=yuan("20.00"), amount=yuan("20.01"))
    decide(shown, rewarded("a", to="b")).refused(PayeeNotApplicant, application="E-a")


def test_a_further_list_needs_places_and_the_end_of_the_last_notice():
    third = shows(entry("c"), entry("d"), on="3-1", last="3-7")
    again = (Proposal("E-a", yuan("30.00")),)
    noticing = decided.given(post(PROJECT, shows(again=again, on="3-1", last="3-7"), "3-1"))
    noticing.when(post(PROJECT, third, "3-1")).refused(NoticeRunning)
    second = decided.given(post(PROJECT, third, "3-1"), post(PROJECT, NoticeCompleted(), "3-8"))
    both = the_list(second, rewarded("c"), rewarded("d", rank=2))
    second.when(post(PROJECT, both, "3-9")).refused(NoPlacesLeft, limit=3, taken=2, asked=2)
    full = second.given(post(PROJECT, the_list(second, rewarded("c")), "3-9"))
    full.when(post(PROJECT, shows(entry("e"), on="4-1", last="4-8"), "4-1")).refused(NoPlacesLeft)


def test_an_upheld_objection_excludes_an_entry_and_one_to_the_whole_notice_voids_all_notices():
    objection = post(PROJECT, ObjectionReceived("O-1", "专利已失效", "E-a"), "2-18")
    upheld = running.given(objection, post(PROJECT, ObjectionResolved("O-1", upheld=True, reason="属实"), "2-19"))
    completed = upheld.given(post(PROJECT, NoticeCompleted(), "2-21"))
    decide(completed, rewarded("a")).refused(NotStanding, lacks="excluded")
    objected = running.given(post(PROJECT, ObjectionReceived("O-1", "奖励办法已废止"), "2-18"))
    resolved = ObjectionResolved("O-1", upheld=True, reason="属实")
    objected.when(post(PROJECT, resolved, "2-19")).then(replace(resolved, voids=running.last(NoticeStarted).version))
    whole = objected.given(post(PROJECT, resolved, "2-19"))
    whole.when(post(PROJECT, NoticeCompleted(), "2-21")).refused(NoNotice)
    again = tuple(Proposal(f"E-{name}", yuan("10.00")) for name in "ab")
    whole.when(post(PROJECT, shows(again=again, on="2-21", last="2-27"), "2-21")).accepted()


def test_the_reversal_of_the_first_notice_takes_its_round_and_entries_away():
    running.when(running.reversing(NoticeStarted, "2-17")).accepted()
    without = running.given(running.reversing(NoticeStarted, "2-17"))
    before, after = an_open_project.ledger.project("p"), without.ledger.project("p")
    assert replace(after, reversed=before.reversed) == before
    without.when(post(PROJECT, shows(entry("a"), on="2-18", last="2-24"), "2-18")).accepted()


def test_the_reversal_of_a_later_notice_leaves_the_first_one_in_force():
    second = running.given(post(PROJECT, shows(entry("c")), "2-16"))
    back = second.given(second.reversing(NoticeStarted, "2-17"))
    current = back.ledger.project("p").current_round()
    assert current.notice is not None
    assert set(back.ledger.project("p").applications) == set(current.notice.amounts) == {"E-a", "E-b"}


def test_a_notice_is_not_reversed_after_an_entry_is_withdrawn_or_awarded():
    withdrawn = running.given(post(PROJECT, ApplicationWithdrawn("E-a", "自愿放弃"), "2-17"))
    withdrawn.when(withdrawn.reversing(NoticeStarted, "2-18")).refused(NotTheLast, kind="application", name="E-a")
    decided.when(decided.reversing(NoticeStarted, "2-26")).refused(NotTheLast, kind="round")


def test_a_withdrawal_of_one_of_two_entries_of_a_recipient_can_be_reversed():
    twice = an_open_project.given(post(PROJECT, shows(entry("a"), entry("more", of="a")), "2-16"))
    withdrawn = twice.given(post(PROJECT, ApplicationWithdrawn("E-a", "自愿放弃"), "2-17"))
    withdrawn.when(withdrawn.reversing(ApplicationWithdrawn, "2-18")).accepted()


def test_a_declined_reward_frees_its_place_for_the_next_round():
    declined = decided.given(post(PROJECT, AwardDeclined("L-a", "自愿放弃"), "3-1"))
    declined.when(post(PROJECT, shows(entry("c"), entry("d"), on="3-2", last="3-8"), "3-2")).accepted()


def test_a_line_may_change_between_list_and_open_call_after_a_round():
    selected = replace(REWARDS, selection=None)
    changed = decided.given(post(FUND, revised(selected), "3-1"))
    changed.when(post(PROJECT, CallPublished(2, day("3-2"), day("3-10")), "3-2")).accepted()
    changed.when(post(PROJECT, shows(entry("c"), on="3-2", last="3-8"), "3-2")).refused(SelectionMismatch)


@pytest.mark.parametrize(
    ("scenario", "missing"),
    [(an_open_project, ["NoticeStarted"]), (running, ["NoticeCompleted"]), (shown, []), (decided, ["NoticeStarted"])],
)
def test_why_names_the_next_steps_of_a_list(scenario, missing):
    *steps, last = [type(step.fact).__name__ for step in why(scenario.ledger, "p", 1).steps]
    assert (steps, last) == (missing, "AwardListDecided")
