"""That the domain says truly which rules may refuse which fact. The scenarios and random lives check it besides."""

import inspect
import sys
from dataclasses import fields, replace

import pytest

from domain import books, case, fund, posting
from domain.decision import MIRRORS, POSTABLE, rules_of
from domain.documents import Document
from domain.project import state
from domain.project.payment import PaymentConfirmed, PaymentInstructed
from domain.rules import RULES
from domain.rules.every_post import (
    BookedInFuture,
    BookedOutOfOrder,
    DocumentAlreadyUsed,
    MissingCitation,
    OccurredAfterBooked,
    UnknownStream,
)
from domain.rules.fund import FundIsClosed
from domain.rules.project import ProjectIsClosed
from tests.domain.lives import FUND, PROJECT, actual, approvals, awarded, request, yuan
from tests.domain.scenario import Scenario, post

each_fact = pytest.mark.parametrize("fact", POSTABLE.values(), ids=POSTABLE)

decided = awarded()
with_documents = decided.given(
    request(),
    *approvals(),
    post(PROJECT, PaymentInstructed("P1"), "3-4", cites=(Document("支付凭证号", "1"),)),
    post(PROJECT, PaymentConfirmed("P1", yuan("30.00"), actual()), "3-5", cites=(Document("流水号", "1"),)),
)


def closed(scenario: Scenario) -> Scenario:
    streams = scenario.books.streams
    for name in (FUND, PROJECT):
        streams = streams.set(name, replace(streams[name], state=replace(streams[name].state, closed=True)))
    return Scenario(replace(scenario.books, streams=streams))


SHARED = {
    FundIsClosed: lambda at, fact: closed(decided).when(post(at, fact, "7-1")),
    ProjectIsClosed: lambda at, fact: closed(decided).when(post(at, fact, "7-1")),
    UnknownStream: lambda at, fact: decided.when(post(f"{at}-z", fact, "7-1")),
    MissingCitation: lambda at, fact: decided.when(post(at, fact, "7-1", cites=())),
    DocumentAlreadyUsed: lambda at, fact: with_documents.when(
        post(at, fact, "7-1", cites=tuple(Document(kind, "1") for kind in fact.claims))
    ),
    OccurredAfterBooked: lambda at, fact: decided.when(post(at, fact, "7-2", booked="7-1")),
    BookedInFuture: lambda at, fact: decided.when(post(at, fact, "2026-11-24")),
    BookedOutOfOrder: lambda at, fact: decided.when(post(at, fact, "2018-1-1", booked="2018-1-1")),
}


@each_fact
def test_the_rules_that_facts_share_refuse_it_whatever_it_says(fact):
    says_nothing = fact(**{field.name: "f" if field.name == "fund" else None for field in fields(fact)})
    at = FUND if fact.stream == "fund" else PROJECT
    for rule in set(rules_of(fact)) - set(fact.refused_by):
        SHARED[rule](at, says_nothing).refused(rule)


@each_fact
def test_its_own_rules_are_raised_where_its_chapter_can_reach(fact):
    modules = {sys.modules[fact.__module__], fund, books, case, posting, state}
    reached = "".join(inspect.getsource(module) for module in modules)
    assert fact.refused_by
    for rule in fact.refused_by:
        assert f"raise {rule.__name__}" in reached, rule


@each_fact
def test_it_names_each_of_its_rules_once(fact):
    assert len(set(rules_of(fact))) == len(rules_of(fact))


def test_every_rule_may_refuse_some_fact():
    assert {rule for fact in POSTABLE.values() for rule in rules_of(fact)} == set(RULES.values())


def test_a_mirror_is_never_posted_and_so_never_refused():
    assert not any(rules_of(mirror) for mirror in MIRRORS)
