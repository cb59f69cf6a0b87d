"""Tests of the second edition's rules on what the public was shown, on shares, and on the approvers of a payment."""

import pytest
from msgspec.structs import replace

from domain.documents import Document
from domain.entry_reversed import EntryReversed
from domain.event import FoundBy, Irregularity
from domain.finding import FindingSettled, SettledBy
from domain.fund.lifecycle import SettingsChanged
from domain.project.amendment import AwardAmended, AwardRevoked
from domain.project.payment import PaymentApproved
from domain.project.selection import NoticeCompleted, NoticeStarted, ObjectionReceived, ObjectionResolved, Proposal
from domain.project.waiver import WaiverGranted
from domain.rules.award import AboveNotice, ShareMismatch
from domain.rules.call import NotStanding, ObjectionOpen, ObjectionTooLate
from domain.rules.payment import ApproverTwice
from domain.rules.reversal import NotTheLast
from domain.rules.waiver import SamePerson
from domain.state.fund import Share
from tests.lives import (
    ANOTHER,
    FUND,
    PROJECT,
    SETTINGS,
    allotted,
    award_list,
    awarded,
    decided,
    line,
    noticed_after,
    paid,
    request,
    reviewed,
    row,
    yuan,
)
from tests.scenario import Scenario, day, post


def shown(amount: str, month: str = "2", name: str = "a"):
    """The posts of a notice that shows `amount` for one application, and of its completion."""
    listed = (Proposal(f"A-{name}", yuan(amount)),)
    return (
        post(PROJECT, NoticeStarted(day(f"{month}-16"), day(f"{month}-20"), listed), f"{month}-16"),
        post(PROJECT, NoticeCompleted(), f"{month}-21"),
    )


reviewed_both = Scenario().given(*allotted(line()), *reviewed())
fifty = reviewed_both.given(*shown("50.00"))
of_fifty = decided(fifty, row("a", "30.00", "20.00"))
up = AwardAmended("L-a", 1, increase=True, amount=yuan("10.00"), reason="调增")


def with_settings(scenario: Scenario, **changes) -> Scenario:
    return scenario.given(post(FUND, SettingsChanged(replace(SETTINGS, **changes)), "2-28"))


def test_no_more_is_awarded_than_the_public_was_shown():
    more = post(PROJECT, award_list(fifty, row("a", "30.00", "20.01")), "3-1")
    fifty.when(more).refused(AboveNotice, application="A-a", shown=yuan("50.00"), amount=yuan("50.01"))
    fifty.when(post(PROJECT, award_list(fifty, row("a", "30.00", "20.00")), "3-1")).accepted()
    fifty.when(replace(more, header=replace(more.header, edition=1))).accepted()
    unbound = with_settings(fifty, notice_binds_amounts=False)
    unbound.when(post(PROJECT, award_list(unbound, row("a", "30.00", "20.01")), "3-1")).accepted()


def test_an_award_is_increased_above_the_notice_only_after_a_supplementary_one():
    of_fifty.when(post(PROJECT, up, "3-2")).refused(AboveNotice, shown=yuan("50.00"), amount=yuan("60.00"))
    of_fifty.when(post(PROJECT, up, "3-2", edition=1)).accepted()
    again = of_fifty.given(*shown("60.00", month="4"))
    again.when(post(PROJECT, up, "5-1")).accepted()
    again.when(post(PROJECT, replace(up, amount=yuan("10.01")), "5-1")).refused(AboveNotice, amount=yuan("60.01"))


def test_a_finding_stays_until_the_whole_event_that_opened_it_is_reversed():
    """Regression: to reverse one fen of an increase above the notice took its finding off the record."""
    broke = (Irregularity("AboveNotice", FoundBy.AUDIT, Document("审计报告", "示例审〔2019〕1号")),)
    opened = of_fifty.given(post(PROJECT, up, "5-1", actor="检查员", key="inspection", irregular=broke))
    name = f"AboveNotice-{opened.last(AwardAmended).version}"
    less = opened.given(opened.reversing(AwardAmended, "5-2", amount=yuan("0.01")))
    assert set(less.ledger.project("p").findings) == {name}
    back = EntryReversed(opened.last(AwardAmended).version, "记错")
    cents = replace(back, amount=yuan("0.01"))
    rest, part = (post(PROJECT, each, "5-4", actor="会计主管", key="books") for each in (back, cents))
    assert not less.given(rest).ledger.project("p").findings
    settled = less.given(post(PROJECT, FindingSettled(name, SettledBy.EXPLAINED, "已说明"), "5-3"))
    assert set(settled.given(part).ledger.project("p").findings) == {name}
    settled.when(rest).refused(NotTheLast, kind="finding", name=name)


def test_what_was_reduced_can_be_increased_again_up_to_the_notice():
    down = of_fifty.given(post(PROJECT, replace(up, increase=False), "3-2"))
    down.when(post(PROJECT, up, "3-3")).accepted()
    down.when(post(PROJECT, replace(up, amount=yuan("10.01")), "3-3")).refused(AboveNotice)
    reversed_ = of_fifty.given(*shown("60.00", month="4"), post(PROJECT, up, "5-1"))
    reversed_ = reversed_.given(reversed_.reversing(AwardAmended, "5-2"))
    assert reversed_.ledger.project("p").awarded["L-a"] == yuan("50.00")


def test_what_an_increase_rests_on_is_not_reversed_while_the_award_has_the_increase():
    raised = of_fifty.given(*shown("60.00", month="4"), post(PROJECT, up, "5-1"))
    raised.when(raised.reversing(NoticeCompleted, "5-2")).refused(AboveNotice, shown=yuan("50.00"))
    reduced = raised.given(post(PROJECT, replace(up, increase=False), "5-2"))
    reduced.when(reduced.reversing(NoticeCompleted, "5-3")).accepted()
    waiver = WaiverGranted("AboveNotice", "局长办公会同意", "L-a", at_most=yuan("60.00"))
    waived = of_fifty.given(post(PROJECT, waiver, "3-2", **ANOTHER), post(PROJECT, up, "3-3"))
    waived.when(waived.reversing(WaiverGranted, "3-4")).refused(AboveNotice, amount=yuan("60.00"))


def objection(on: str, application: str | None = "A-a"):
    return post(PROJECT, ObjectionReceived("O1", "增加依据不足", application), on)


def resolution(on: str, upheld: bool = True):
    return post(PROJECT, ObjectionResolved("O1", upheld, "查明"), on)


@pytest.mark.parametrize("application", ["A-a", None])
def test_an_objection_to_a_supplementary_notice_is_received_and_voids_only_what_that_notice_showed(application):
    running = of_fifty.given(shown("60.00", month="4")[0])
    of_fifty.when(objection("2-18", application)).refused(ObjectionTooLate)
    objected = running.given(objection("4-18", application))
    objected.when(shown("60.00", month="4")[1]).refused(ObjectionOpen)
    rejected = objected.given(resolution("4-19", upheld=False), shown("60.00", month="4")[1])
    rejected.when(post(PROJECT, up, "5-1")).accepted()
    upheld = objected.given(resolution("4-19"), shown("60.00", month="4")[1])
    upheld.when(post(PROJECT, up, "5-1")).refused(AboveNotice, shown=yuan("50.00"))
    upheld.when(request(on="5-1", amount="30.00")).accepted()
    assert upheld.ledger.project("p").applications["A-a"].excluded is False
    assert upheld.ledger.project("p").rounds["1"].review is not None


def test_an_objection_that_is_upheld_after_a_supplementary_notice_ended_makes_the_earlier_amount_bind_again():
    raised = of_fifty.given(*shown("60.00", month="4"), post(PROJECT, up, "5-1"))
    upheld = raised.given(objection("4-18"), resolution("5-2"))
    upheld.when(request(on="5-3", amount="30.00")).refused(AboveNotice, shown=yuan("50.00"), amount=yuan("60.00"))
    restored = upheld.given(upheld.reversing(ObjectionResolved, "5-3"), resolution("5-3", upheld=False))
    restored.when(request(on="5-4", amount="30.00")).accepted()
    upheld.given(post(PROJECT, replace(up, increase=False), "5-3")).when(request(on="5-4", amount="30.00")).accepted()


def test_by_the_first_edition_an_upheld_objection_to_a_second_notice_excluded_the_application():
    after = noticed_after().given(shown("60.00", month="4")[0])
    received = objection("4-18")
    old = after.given(replace(received, header=replace(received.header, edition=1)), resolution("4-19"))
    assert old.ledger.project("p").applications["A-a"].excluded is True


def test_money_that_was_paid_counts_toward_what_the_public_was_shown():
    of_fifty.given(*paid()).when(post(PROJECT, up, "4-1")).refused(AboveNotice, amount=yuan("60.00"))


def test_by_the_first_edition_an_award_that_was_shown_was_not_listed_again():
    notice = shown("60.00", month="4")[0]
    of_fifty.when(notice).accepted()
    of_fifty.when(replace(notice, header=replace(notice.header, edition=1))).refused(NotStanding)
    ended = of_fifty.given(post(PROJECT, AwardRevoked("L-a", "撤销"), "3-2"))
    with pytest.raises(Exception, match="A-a"):
        ended.when(notice).events()


def test_an_award_above_its_notice_is_not_paid_unless_the_rule_is_waived_by_another_person():
    less = noticed_after().given(*shown("40.00"))
    less.when(request(on="3-2")).refused(AboveNotice, shown=yuan("40.00"), amount=yuan("50.00"))
    fact = WaiverGranted("AboveNotice", "局长办公会同意", "L-a", at_most=yuan("49.99"))
    waived = less.given(post(PROJECT, fact, "3-2", **ANOTHER))
    waived.when(request(on="3-3")).refused(AboveNotice, shown=yuan("40.00"), amount=yuan("50.00"))
    waived = waived.given(post(PROJECT, replace(fact, at_most=yuan("50.00")), "3-2", **ANOTHER))
    waived.when(request(on="3-3")).accepted()
    by_granter = request(on="3-3")
    by_granter = replace(by_granter, header=replace(by_granter.header, **ANOTHER))
    waived.when(by_granter).refused(SamePerson)
    less.given(*shown("50.00", month="4")).when(request(on="5-1")).accepted()


def test_a_line_that_is_shared_by_score_takes_no_other_list():
    by_score = Scenario().given(*allotted(replace(line(), share=Share.BY_SCORE)), *reviewed(), *shown("100.00"))
    by_score.when(post(PROJECT, award_list(by_score, row("a", "30.00", "20.00")), "3-1")).refused(
        ShareMismatch, share="by_score", by_score=False
    )
    listed = replace(award_list(by_score, row("a", "30.00", "20.00")), by_score=True)
    by_score.when(post(PROJECT, listed, "3-1")).accepted()
    as_decided = Scenario().given(*allotted(replace(line(), share=Share.DECIDED)), *reviewed(), *shown("100.00"))
    as_decided.when(post(PROJECT, listed, "3-1")).refused(ShareMismatch, share="decided", by_score=True)


def approval(level: str, actor: str, *, key: str = "approver", person: str | None = None, edition: int = 2):
    fact = PaymentApproved("P1", level)
    return post(PROJECT, fact, "3-3", actor=actor, key=key, person=person, edition=edition)


requested = awarded().given(request())


def test_each_level_is_approved_by_another_person_who_may_use_the_same_key():
    one = requested.given(approval("审核", "甲"))
    one.when(approval("审批", "乙")).accepted()
    for same in ("甲", " 甲", "甲 "):
        one.when(approval("审批", same, key="other")).refused(ApproverTwice, payment="P1")
    one.when(approval("审批", "甲", edition=1)).accepted()
    with_settings(requested, approvers_differ=False).given(approval("审核", "甲")).when(
        approval("审批", "甲")
    ).accepted()


def test_approvers_are_compared_by_their_persons_where_both_are_known():
    one = requested.given(approval("审核", "甲", person="1001"))
    one.when(approval("审批", "乙", key="other", person="1001")).refused(ApproverTwice, approver="1001")
    one.when(approval("审批", "甲", person="1002")).accepted()
    one.when(approval("审批", "甲", key="other")).refused(ApproverTwice, approver="甲")
