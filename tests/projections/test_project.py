"""The tables `project` and `recovery` after revisions of the plan and after reversals."""

import pytest

from domain.entry_reversed import EntryReversed
from domain.project.recovery import RecoveryOrdered
from tests.lives import FUND, PROJECT, awarded, founded, line, paid, revised, yuan
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
