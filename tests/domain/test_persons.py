"""Four eyes: a step that needs two people compares persons where the keys name them, and else typed names and keys."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.decision import POSTABLE, apart_from
from domain.entry_reversed import EntryReversed
from domain.event import DistinguishedBy, Fact, Posted, Poster
from domain.finding import FindingKind, FindingRecorded, FindingSettled, SettledBy
from domain.project.acceptance import AcceptanceRequested
from domain.project.amendment import AwardAmended, PayeeChanged
from domain.project.call import Applicant, ApplicationReceived
from domain.project.payment import PaymentApproved, PaymentInstructed, PaymentRejected, PaymentRequested
from domain.project.recovery import RecoveryOrdered, RecoveryWaived
from domain.project.rename import RecipientRenamed
from domain.project.selection import NoticeCompleted, NoticeStarted, Proposal
from domain.project.waiver import WaiverGranted
from domain.recipient import Recipient
from domain.rules import Refused
from domain.rules.payment import RequesterMayNotApprove
from domain.rules.waiver import SamePerson
from service.look_alikes import alike
from tests.lives import (
    PROJECT,
    TWO_ROWS,
    allotted,
    award_list,
    awarded,
    called,
    decided,
    line,
    noticed,
    paid,
    payee,
    payee_waiver,
    request,
    reviewed,
    row,
    unordered,
    yuan,
)
from tests.scenario import Scenario, day, post

FOUR_EYES = (SamePerson, RequesterMayNotApprove)
NAME, PERSON = DistinguishedBy.NAME_AND_KEY, DistinguishedBy.PERSON


class Matter(NamedTuple):
    """Two steps of one matter, `first` and `second`, each a fact and its day, that two people must take.

    `before` and `between` are the steps of others before each of them.
    """

    before: Scenario
    first: tuple[Fact, str]
    second: tuple[Fact | type[EntryReversed], str]
    between: tuple[Posted, ...] = ()

    def posted(self, one: Poster, other: Poster):
        """The scenario in which `one` has taken the first step, and `other` is to take the second."""
        fact, on = self.second
        started = self.before.given(post(PROJECT, *self.first, **by(one))).given(*self.between)
        if isinstance(fact, type):
            fact = EntryReversed(started.last(type(self.first[0])).version, "记错")
        return started.when(post(PROJECT, fact, on, **by(other)))


def by(poster: Poster):
    return {"actor": poster.actor, "key": poster.key, "person": poster.person}


@cache
def matters() -> dict[tuple[str, str], Matter]:
    """A matter for each pair of event types that two people must post."""
    both, noticed_ = awarded(), Scenario().given(*allotted(line()), *noticed())
    to_b = PaymentRequested("P1", "L-a", 1, yuan("30.00"), payee("b"))
    requested = post(PROJECT, to_b, "3-3", actor="申请人", key="treasury", person="1003")
    approved = [
        post(PROJECT, PaymentApproved("P1", level), "3-4", actor=f"{level}人", key="approver")
        for level in ("审核", "审批")
    ]
    paid_to_b = replace(row("a", "30.00", "20.00"), payee=payee("b"))
    to_another = (WaiverGranted("PayeeNotApplicant", "批准", None, "A-a", payee=payee("b")), "2-28")
    fifty = NoticeStarted(day("2-16"), day("2-20"), (Proposal("A-a", yuan("50.00")),))
    shown = (post(PROJECT, fifty, "2-16"), post(PROJECT, NoticeCompleted(), "2-21"))
    of_fifty = decided(Scenario().given(*allotted(line()), *reviewed(), *shown), row("a", "30.00", "20.00"))
    up = AwardAmended("L-a", 1, increase=True, amount=yuan("10.00"), reason="调增")
    payee_waived = (payee_waiver("L-a"), "3-2")
    merger = (RecipientRenamed("A-a", Recipient("示例a", "9a"), Recipient("示例b", "9b")), "2-28")
    found = FindingRecorded("W1", FindingKind.USE, "挪用", "审计局")
    settled = (FindingSettled("W1", SettledBy.EXPLAINED, "误登"), "3-3")
    asked = (request().fact, "3-2")
    order = (RecoveryOrdered("R1", "P1", yuan("1.00"), day("9-1"), "违规"), "4-1")
    late = (WaiverGranted("OutsideWindow", "不可抗力", None, "A-c"), "2-11")
    listed = [
        Matter(both, asked, (PaymentApproved("P1", "审核"), "3-3")),
        Matter(both, asked, (PaymentRejected("P1", "有误"), "3-3")),
        Matter(both, payee_waived, (to_b, "3-3")),
        Matter(both, payee_waived, (PaymentApproved("P1", "审核"), "3-4"), (requested,)),
        Matter(both, payee_waived, (PaymentInstructed("P1"), "3-5"), (requested, *approved)),
        Matter(
            both,
            (WaiverGranted("EarlierBatchesUnsettled", "批准", "L-a"), "3-2"),
            (AcceptanceRequested("L-a"), "3-3"),
        ),
        Matter(
            Scenario().given(*allotted(line()), *called()),
            late,
            (ApplicationReceived("A-c", Applicant("示例c", "9c")), "2-11"),
        ),
        Matter(noticed_, (award_list(noticed_, *TWO_ROWS), "3-1"), payee_waived),
        Matter(both.given(*paid()), order, (RecoveryWaived("R1", yuan("1.00"), "破产"), "4-2")),
        Matter(both.given(*paid()), order, (EntryReversed, "4-2")),
        Matter(both, (PayeeChanged("L-a", payee("a"), payee("n"), "分管领导"), "3-2"), (EntryReversed, "3-3")),
        Matter(both, payee_waived, (EntryReversed, "3-3")),
        Matter(both, (unordered("committed", batch=2), "3-2"), (EntryReversed, "3-3")),
        Matter(noticed_, to_another, (award_list(noticed_, paid_to_b), "3-1")),
        Matter(noticed_, merger, (award_list(noticed_, paid_to_b), "3-1")),
        Matter(both.given(post(PROJECT, found, "3-2")), settled, (EntryReversed, "3-4")),
        Matter(of_fifty, (WaiverGranted("AboveNotice", "批准", "L-a", at_most=yuan("90.00")), "3-2"), (up, "3-3")),
    ]
    return {(type(each.first[0]).__name__, _name(each.second[0])): each for each in listed}


def _name(fact: Fact | type[Fact]) -> str:
    return fact.__name__ if isinstance(fact, type) else type(fact).__name__


PAIRS = [(first, name) for name, fact in POSTABLE.items() for first in apart_from(fact)]
every_pair = pytest.mark.parametrize("pair", PAIRS, ids="-".join)
typed = st.text("甲乙丙丁aA1", min_size=1, max_size=3)
posters = st.builds(Poster, typed, typed, st.none() | st.sampled_from(["1001", "1002", "https://sso.example#1001"]))


def test_there_is_a_matter_for_each_pair_of_events_that_two_people_must_post():
    assert set(matters()) == set(PAIRS)


def test_the_events_that_a_rule_for_two_people_refuses_say_from_whom_they_are_kept_apart():
    refused = {name for name, fact in POSTABLE.items() if set(fact.refused_by) & set(FOUR_EYES)}
    assert {name for _, name in PAIRS} == refused - {"PayeeChanged"}, "a change of the payee names its second person"


@every_pair
@settings(max_examples=25)
@given(one=posters, other=posters, person=st.sampled_from(["1001", "工号 1002", "https://sso.example#u-1"]))
def test_the_same_person_never_takes_both_steps_whatever_names_and_keys(pair, one, other, person):
    one, other = replace(one, person=person), replace(other, person=person)
    with pytest.raises(FOUR_EYES):
        matters()[pair].posted(one, other).events()


@every_pair
@settings(max_examples=25)
@given(one=posters, other=posters)
def test_an_event_that_two_people_must_post_says_on_what_it_rests(pair, one, other):
    scenario = matters()[pair].posted(one, other)
    try:
        [recorded, *mirrors] = scenario.events()
    except FOUR_EYES:
        assert one.same_as(other, alike)
        return
    assert one.person is None or one.person != other.person
    assert one.key != other.key
    in_one_register = {one.person, other.person} == {"1001", "1002"}
    assert recorded.header.distinguished_by == ("person" if in_one_register else "name_and_key")
    assert in_one_register or one.actor != other.actor
    assert recorded.header.person == other.person
    assert {each.header for each in mirrors} <= {recorded.header}


@every_pair
@pytest.mark.parametrize("name", ["Анна", "Аннa", "ＡННА", "анна", " А н н а"])
def test_names_that_look_alike_are_one_name(pair, name):
    one, other = Poster("Анна", "k-1"), Poster(name, "k-2")
    with pytest.raises(FOUR_EYES) as refusal:
        matters()[pair].posted(one, other).events()
    assert "Анна" in str(refusal.value)


@every_pair
def test_two_persons_of_the_same_name_are_two_people_and_one_key_is_one(pair):
    one, other = Poster("张伟", "k-1", "1001"), Poster("张伟", "k-2", "1002")
    [recorded, *_] = matters()[pair].posted(one, other).events()
    assert recorded.header.distinguished_by is PERSON
    with pytest.raises(FOUR_EYES):
        matters()[pair].posted(one, replace(other, key="k-1", actor="李娜")).events()


@pytest.mark.parametrize(
    ("one", "other"),
    [("1001", None), (None, "1001"), ("1001", "https://sso.example#1001"), ("https://a#1", "https://b#1")],
)
def test_where_persons_cannot_be_compared_typed_names_and_keys_are(one, other):
    matter = matters()["PaymentRequested", "PaymentApproved"]
    first, second = Poster("张伟", "k-1", one), Poster("李娜", "k-2", other)
    [recorded, *_] = matter.posted(first, second).events()
    assert recorded.header.distinguished_by is NAME
    with pytest.raises(RequesterMayNotApprove):
        matter.posted(first, replace(second, actor="张 伟")).events()


def test_an_event_rests_on_the_weakest_of_what_its_rules_rest_on():
    decided = awarded()
    waived = decided.given(
        post(PROJECT, payee_waiver("L-a"), "3-2", actor="领导", key="head"),
    )
    to_b = PaymentRequested("P1", "L-a", 1, yuan("30.00"), payee("b"))
    requested = waived.given(post(PROJECT, to_b, "3-3", actor="申请人", key="treasury", person="1001"))
    approval = post(PROJECT, PaymentApproved("P1", "审核"), "3-4", actor="审批人", key="approver", person="1002")
    [recorded] = requested.when(approval).events()
    assert recorded.header.distinguished_by is NAME, "the requester is known, who granted the waiver is not"


def test_an_event_that_needs_one_person_rests_on_nothing():
    [recorded] = awarded().when(request()).events()
    assert recorded.header.distinguished_by is None


def test_a_change_of_the_payee_rests_on_the_typed_name_of_its_approver():
    changed = PayeeChanged("L-a", payee("a"), payee("n"), "Анна")
    [recorded] = awarded().when(post(PROJECT, changed, "3-2", actor="经办人", person="1001")).events()
    assert recorded.header.distinguished_by == "name"
    awarded().when(post(PROJECT, changed, "3-2", actor="Aннa")).refused(SamePerson, who="Анна")


@given(one=posters, other=posters)
def test_who_is_the_same_does_not_depend_on_who_came_first(one, other):
    assert bool(one.same_as(other, alike)) == bool(other.same_as(one, alike))
    assert one.distinguished_by(other) == other.distinguished_by(one)


@given(one=posters, other=posters)
def test_posters_with_the_same_key_are_never_two_people(one, other):
    assume(one.key == other.key)
    assert one.same_as(other, alike)


def test_a_refusal_for_one_person_names_the_person():
    one, other = Poster("张伟", "k-1", "1001 张伟"), Poster("李娜", "k-2", "1001 张伟")
    with pytest.raises(Refused) as refusal:
        matters()["AwardListDecided", "WaiverGranted"].posted(one, other).events()
    assert refusal.value.facts == {"who": "1001 张伟"}
