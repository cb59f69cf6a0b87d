"""The tables `project`, `recovery` and `fund` after revisions, extensions, new names and reversals."""

import pytest
from msgspec.structs import replace

from domain.entry_reversed import EntryReversed
from domain.fund.lifecycle import FundEstablished, FundRenamed, SettingsChanged
from domain.project.amendment import AwardDeclined
from domain.project.lifecycle import ProjectClosed
from domain.project.recovery import RecoveryExtended, RecoveryOrdered
from tests.lives import FUND, PROJECT, SETTINGS, awarded, founded, line, only_a_awarded, paid, plan, revised, yuan
from tests.scenario import Scenario, day, post


def recorded(scenario):
    """The events of a scenario in the order of the log; a mirror follows its leader."""
    return sorted(scenario.ledger.entries.values(), key=lambda e: (int(e.header.source_id), e.mirrors is not None))


@pytest.mark.parametrize("span", [1, 2, 10_000])
def test_a_project_is_out_of_the_plan_from_the_revision_that_drops_it_to_the_one_that_adds_it(log, span):
    two = (line(awards=1), line("q", 2, awards=1))
    dropped = Scenario().given(*founded(*two, appropriated="200.00"), post(FUND, revised(two[0]), "2-1"))
    log.append(recorded(dropped)).fold(span)
    in_plan = "select project, in_plan from project order by project"
    assert [tuple(row.values()) for row in log.conn.execute(in_plan)] == [("p", True), ("q", False)]
    again = dropped.given(post(FUND, revised(*two), "2-2"))
    log.append(recorded(again)[-1:]).fold(span)
    assert [tuple(row.values()) for row in log.conn.execute(in_plan)] == [("p", True), ("q", True)]


@pytest.mark.parametrize("span", [1, 2, 10_000])
def test_a_recovery_ordered_again_after_its_reversal_replaces_the_reversed_one(log, span):
    def order(amount, on):
        return post(PROJECT, RecoveryOrdered("R1", "P1", yuan(amount), day("6-1"), "违规使用"), on)

    first = awarded().given(*paid(), order("20.00", "4-1"))
    version = first.ledger.stream(PROJECT).version
    undo = post(PROJECT, EntryReversed(version, "金额有误"), "4-2", actor="会计主管", key="other")
    again = first.given(undo, order("15.00", "4-3"))
    assert again.ledger.project("p").outstanding("R1") == yuan("15.00")
    log.append(recorded(again)).fold(span)
    [row] = log.conn.execute("select * from recovery").fetchall()
    assert (row["recovery"], row["amount"]) == ("R1", 1_500), row


@pytest.mark.parametrize("span", [1, 2, 10_000])
def test_a_recovery_is_due_on_the_day_of_its_last_extension_that_stands(log, span):
    order = RecoveryOrdered("R1", "P1", yuan("20.00"), day("6-1"), "违规使用")
    ordered = awarded().given(*paid(), post(PROJECT, order, "4-1"))
    once = ordered.given(post(PROJECT, RecoveryExtended("R1", day("9-1")), "5-1"))
    twice = once.given(post(PROJECT, RecoveryExtended("R1", day("12-1")), "8-1"))
    undone = twice.given(twice.reversing(RecoveryExtended, "8-2"))
    due, known = [], 0
    for scenario in (ordered, once, twice, undone):
        events = recorded(scenario)
        log.append(events[known:]).fold(span)
        known = len(events)
        due += [row["due_on"] for row in log.conn.execute("select due_on from recovery")]
        assert due[-1] == scenario.ledger.project("p").recoveries["R1"].due_on
    assert due == [day("6-1"), day("9-1"), day("12-1"), day("9-1")]


@pytest.mark.parametrize("span", [1, 2, 10_000])
def test_a_closed_project_shows_the_awards_it_lacks_until_it_is_reopened(log, span):
    ended = only_a_awarded(replace(line(), award_rule="exact")).given(
        post(PROJECT, AwardDeclined("L-a", "放弃"), "3-3")
    )
    closed = ended.given(post(PROJECT, ProjectClosed(), "3-4"))
    reopened = closed.given(closed.reversing(ProjectClosed, "3-5"))
    again = reopened.given(post(PROJECT, ProjectClosed(), "3-6"))
    shown, known = [], 0
    for scenario in (ended, closed, reopened, again):
        events = recorded(scenario)
        log.append(events[known:]).fold(span)
        known = len(events)
        shown += [row["awards_missing"] for row in log.conn.execute("select awards_missing from project")]
    assert shown == [None, 2, None, 2]


@pytest.mark.parametrize("span", [1, 2, 10_000])
def test_a_renamed_fund_has_the_last_name_and_its_last_draft(log, span):
    named = Scenario().given(
        post(FUND, FundEstablished("甲", SETTINGS, "A"), "1-1"),
        post(FUND, plan(line()), "1-2"),
        post(FUND, FundRenamed("乙", "B"), "1-3"),
        post(FUND, plan(line()), "1-4"),
        post(FUND, SettingsChanged(SETTINGS), "1-5"),
    )
    log.append(recorded(named)).fold(span)
    query = "select name, name_en, draft_position from fund"
    assert [tuple(row.values()) for row in log.conn.execute(query)] == [("乙", "B", 4)]
    last = named.given(post(FUND, FundRenamed("丙"), "1-6"))
    log.append(recorded(last)[-1:]).fold(span)
    assert [tuple(row.values()) for row in log.conn.execute(query)] == [("丙", None, 4)]
