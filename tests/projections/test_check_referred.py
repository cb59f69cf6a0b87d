"""A check keeps those entries in memory that later events refer to."""

from __future__ import annotations

from random import Random

import pytest

from domain.entry_reversed import EntryReversed
from domain.event import Reference
from domain.finding import FindingRecorded
from domain.note import NoteRecorded
from service.postgres.queries import QUERIES
from tests.random_life import RandomLife


@pytest.mark.parametrize("seed", [9, 17])
def test_the_check_reads_every_entry_that_an_event_refers_to(log, seed):
    """Regression: the check did not read the note that another corrects, and reported that one as refused today."""
    life = RandomLife(Random(seed))
    for _ in life.live(700):
        pass
    log.append(life.events)
    referring = [event for event in life.events if event.mirrors is None and event.fact.refers_to(event.stream)]
    kept = {
        Reference(row["stream"], row["version"])
        for row in log.conn.execute(QUERIES["check_referred"], {"of": 1, "number": 0}).fetchall()
    }
    assert kept == {at for event in referring for at in event.fact.refers_to(event.stream)}
    assert {NoteRecorded, EntryReversed, FindingRecorded} <= {type(event.fact) for event in referring}
