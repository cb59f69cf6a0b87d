"""The findings and holds in the tables, when what opened them is reversed in part and in full."""

from __future__ import annotations

import pytest

from domain.documents import Document
from domain.entry_reversed import EntryReversed
from domain.event import FoundBy, Irregularity
from domain.project.amendment import AwardAmended
from domain.project.hold import FundsHeld
from tests.domain.test_notice_amounts import of_fifty, up
from tests.lives import PROJECT, yuan
from tests.projections.test_project import recorded
from tests.scenario import post

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
def test_a_hold_that_was_reversed_is_shown_as_reversed(log, span):
    assert statuses(log, held.given(held.reversing(FundsHeld, "5-2")), "hold", span) == ["reversed"]
