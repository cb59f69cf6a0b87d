"""Each event type declares exactly the rules that can refuse it. Scenarios and random lives check this too."""

import pytest
from immutables import Map
from msgspec.structs import fields, replace

from domain.decision import POSTABLE, left_out_for, rules_of
from domain.documents import Document
from domain.entry_reversed import EntryReversed
from domain.event import FoundBy, Irregularity
from domain.fund.funding import FundsAllotted, SurplusSurrendered
from domain.fund.interest import InterestReceived, InterestSurrendered
from domain.mirrors import MIRRORS
from domain.posting import RECOVERED
from domain.project.acceptance import AcceptancePassed, AcceptanceRequested
from domain.project.amendment import AgreementSigned, AwardAmended, PayeeChanged
from domain.project.payment import PaymentConfirmed, PaymentInstructed, PaymentReturned
from domain.project.recovery import RecoveryOrdered, RecoveryReceived
from domain.rules import RULES
from domain.rules.every_post import (
    BookedInFuture,
    BookedOutOfOrder,
    DocumentAlreadyUsed,
    MissingCitation,
    OccurredAfterBooked,
    PeriodIsClosed,
    UnknownStream,
)
from domain.rules.finding import NotIrregular
from domain.rules.fund import FundIsClosed, NotInPlan
from domain.rules.project import ProjectIsClosed
from domain.rules.waiver import SamePerson
from tests.domain.raised_rules import raised_from
from tests.lives import (
    FUND,
    PROJECT,
    TWO_ROWS,
    accepted,
    actual,
    allotted,
    approvals,
    award_list,
    awarded,
    line,
    noticed,
    paid,
    payee,
    request,
    yuan,
)
from tests.scenario import Scenario, day, post

each_fact = pytest.mark.parametrize("fact", POSTABLE.values(), ids=POSTABLE)

SLIP = Document("流水号", "1", date=day("3-5"))
decided = awarded()
with_documents = decided.given(
    request(),
    *approvals(),
    post(PROJECT, PaymentInstructed("P1"), "3-4", cites=(Document("支付凭证号", "1"),)),
    post(PROJECT, PaymentConfirmed("P1", yuan("30.00"), actual()), "3-5", cites=(SLIP,)),
    post(PROJECT, RecoveryOrdered("R1", "P1", yuan("1.00"), day("4-1"), "违规"), "3-6"),
    post(PROJECT, RecoveryReceived("R1", yuan("1.00")), "3-7", cites=(Document("缴款书", "1"),)),
    post(FUND, SurplusSurrendered(RECOVERED, yuan("1.00"), "p", "L-a", 1), "3-8", cites=(Document("缴款书", "1"),)),
    post(
        PROJECT,
        PaymentReturned("P1", yuan("1.00"), passive=False, reason="多付"),
        "3-8",
        cites=(Document("退回通知书", "1"),),
    ),
    post(PROJECT, AgreementSigned("L-a", day("3-8"), day("4-8")), "3-8"),
    post(FUND, InterestReceived(yuan("1.00")), "3-8"),
    post(FUND, InterestSurrendered(yuan("1.00")), "3-8", cites=(Document("缴款书", "1"),)),
)
with_documents = with_documents.given(
    replace(
        reversal := with_documents.reversing(AgreementSigned, "3-9"),
        header=replace(reversal.header, documents=(Document("冲销凭证号", "1"),)),
    )
)


def with_state(stream: str, **changes: object) -> Scenario:
    """The scenario `decided` with some fields of the state of one stream replaced, without an event."""
    streams = decided.ledger.streams
    changed = replace(streams[stream], state=replace(streams[stream].state, **changes))
    return Scenario(replace(decided.ledger, streams=streams.set(stream, changed)))


fund_closed, project_closed = with_state(FUND, closed_at=9), with_state(PROJECT, closed_at=99)
period_closed = with_state(FUND, closed_through=day("6-30"))

SHARED_RULES = {
    FundIsClosed: lambda at, fact: fund_closed.when(post(at, fact, "7-1")),
    ProjectIsClosed: lambda at, fact: project_closed.when(post(at, fact, "7-1")),
    UnknownStream: lambda at, fact: decided.when(post(f"{at}-z", fact, "7-1")),
    MissingCitation: lambda at, fact: decided.when(post(at, fact, "7-1", cites=())),
    DocumentAlreadyUsed: lambda at, fact: with_documents.when(
        post(at, fact, "7-1", cites=tuple(Document(kind, "1") for kind in fact.claims))
    ),
    OccurredAfterBooked: lambda at, fact: decided.when(post(at, fact, "7-2", booked="7-1")),
    BookedInFuture: lambda at, fact: decided.when(post(at, fact, "2026-11-24")),
    BookedOutOfOrder: lambda at, fact: decided.when(post(at, fact, "2018-1-1", booked="2018-1-1")),
    PeriodIsClosed: lambda at, fact: period_closed.when(post(at, fact, "6-1", booked="6-30")),
    NotIrregular: lambda at, fact: decided.when(post(at, fact, "7-1", irregular=(broken("NameTaken"),))),
    SamePerson: lambda at, fact: decided.when(
        post(at, fact, "7-1", irregular=(broken(left_out_for(type(fact))[0].__name__),))
    ),
}


def broken(rule: str) -> Irregularity:
    return Irregularity(rule, FoundBy.AUDIT, Document("审计报告", "示例审〔2019〕1号"))


PLACEHOLDERS = {"fund": "f", "lines": (), "matches": (), "exceptions": (), "events": ()}


@each_fact
def test_the_shared_rules_refuse_a_fact_whatever_its_content(fact):
    empty = fact(**{field.name: PLACEHOLDERS.get(field.name) for field in fields(fact)})
    for at in (f"{kind}/{code}" for kind, code in (("fund", "f"), ("project", "p")) if kind in fact.streams):
        for rule in set(rules_of(fact)) - set(fact.refused_by):
            SHARED_RULES[rule](at, empty).refused(rule)


def without_plan(scenario: Scenario) -> Scenario:
    """The scenario without any line in the plan."""
    streams = scenario.ledger.streams
    unplanned = replace(streams[FUND], state=replace(streams[FUND].state, lines=Map()))
    return Scenario(replace(scenario.ledger, streams=streams.set(FUND, unplanned)))


undecided = Scenario().given(*allotted(line()), *noticed())
acceptance_requested = decided.given(*paid(), accepted()[0])
NOT_IN_PLAN = [
    (decided, post(FUND, FundsAllotted("p", 1, yuan("1.00")), "7-1")),
    (undecided, post(PROJECT, award_list(undecided, *TWO_ROWS), "7-1")),
    (decided, post(PROJECT, AgreementSigned("L-a", day("7-1"), day("8-1")), "7-1")),
    (decided, post(PROJECT, PayeeChanged("L-a", payee("a"), payee("n"), "分管领导"), "7-1")),
    (decided, post(PROJECT, AwardAmended("L-a", 1, increase=False, amount=yuan("1.00"), reason="核减"), "7-1")),
    (decided, request(on="7-1")),
    (decided, post(PROJECT, AcceptanceRequested("L-a"), "7-1")),
    (acceptance_requested, post(PROJECT, AcceptancePassed("L-a"), "7-1")),
]


@pytest.mark.parametrize(
    ("scenario", "posted"), NOT_IN_PLAN, ids=lambda each: type(getattr(each, "fact", each)).__name__
)
def test_a_fact_that_needs_a_line_of_the_plan_is_refused_without_one(scenario, posted):
    without_plan(scenario).when(posted).refused(NotInPlan, project="p")


def chapter(fact):
    """The name of the module that decides `fact`, followed by the names of the module's functions that decide it."""
    if fact is EntryReversed:
        return "domain.reversal.decide", "decide"
    return fact.__module__, "decide", "open_project"


@each_fact
def test_the_rules_that_a_fact_declares_can_be_raised_by_its_chapter(fact):
    assert {rule.__name__ for rule in fact.refused_by} <= raised_from(*chapter(fact))


@each_fact
def test_a_fact_declares_each_rule_once(fact):
    assert len(set(rules_of(fact))) == len(rules_of(fact))
    assert len(set(fact.refused_by)) == len(fact.refused_by)


def test_every_rule_is_declared_by_a_fact():
    assert {rule for fact in POSTABLE.values() for rule in rules_of(fact)} == set(RULES.values())


def test_no_rule_can_refuse_a_mirror_because_it_is_never_posted():
    assert not any(rules_of(mirror) for mirror in MIRRORS)
