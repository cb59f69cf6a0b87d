"""The findings and holds in the tables, when what opened them is reversed in part and in full."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from domain.documents import Document
from domain.entry_reversed import EntryReversed
from domain.event import FoundBy, Irregularity
from domain.finding import FindingSettled, SettledBy
from domain.fund.lifecycle import SettingsChanged
from domain.project.acceptance import RectificationOrdered
from domain.project.amendment import AwardAmended
from domain.project.hold import FundsHeld
from tests.domain.test_acceptance import failed
from tests.domain.test_notice_amounts import of_fifty, up
from tests.lives import FUND, PROJECT, SETTINGS, yuan
from tests.projections.test_project import recorded
from tests.scenario import day, post

BROKE = (Irregularity("AboveNotice", FoundBy.AUDIT, Document("审计报告", "示例审〔2019〕1号")),)
opened = of_fifty.given(post(PROJECT, up, "5-1", actor="检查员", key="inspection", irregular=BROKE))
held = of_fifty.given(post(PROJECT, FundsHeld("H1", "法院", "保全"), "5-1"))


def back(scenario, amount=None):
    at = scenario.last(AwardAmended)
    return post(PROJECT, EntryReversed(at.version, "记错", amount), "5-2", actor="会计主管", key="books")


def statuses(log, scenario, table, span):
    log.append(recorded(scenario)[len(log) :]).fold(span)
    return [row["status"] for row in log.conn.execute(f"select status from {table}").fetchall()]


@pytest.mark.parametrize("span", [1, 10_000])
def test_the_register_keeps_a_finding_until_the_whole_event_that_opened_it_is_reversed(log, span):
    """Regression: to reverse one fen was enough, and to reverse two parts in one span could not be folded."""
    parts = opened.given(back(opened, yuan("0.01")), back(opened, yuan("0.02")))
    assert statuses(log, parts, "finding", span) == ["open"]
    assert statuses(log, parts.given(back(opened)), "finding", span) == ["reversed"]


@pytest.mark.parametrize("span", [1, 10_000])
def test_a_finding_whose_settlement_is_reversed_is_open_again(log, span):
    [name] = opened.ledger.project("p").findings
    settle = FindingSettled(name, SettledBy.EXPLAINED, "误登")
    settled = opened.given(post(PROJECT, settle, "5-3"))
    reopened = settled.given(settled.reversing(FindingSettled, "5-4"))
    assert statuses(log, reopened, "finding", span) == ["open"]
    [row] = log.conn.execute(
        "select how, settled_on, settled_by, settlement, cardinality(events) from finding"
    ).fetchall()
    assert [*row.values()] == [None, None, None, None, 3]
    again = reopened.given(post(PROJECT, replace(settle, how=SettledBy.REGULARISED), "5-5"))
    assert statuses(log, again, "finding", span) == ["settled"]


def test_a_finding_of_an_irregular_event_takes_no_due_day_from_it(log):
    """Regression: the register showed the last day of the rectification as that of the finding."""
    limited = failed.given(post(FUND, SettingsChanged(replace(SETTINGS, rectification_months=1)), "6-11"))
    order = RectificationOrdered("L-a", day("2019-12-31"))
    marks = (Irregularity("RectificationTooLong", FoundBy.AUDIT, Document("审计报告", "示例审〔2019〕1号")),)
    late = limited.given(post(PROJECT, order, "6-12", actor="检查员", key="inspection", irregular=marks))
    log.append(recorded(late)).fold(10_000)
    assert [row["due_on"] for row in log.conn.execute("select due_on from finding")] == [None]


@pytest.mark.parametrize("span", [1, 10_000])
def test_a_hold_that_was_reversed_is_shown_as_reversed(log, span):
    assert statuses(log, held.given(held.reversing(FundsHeld, "5-2")), "hold", span) == ["reversed"]
