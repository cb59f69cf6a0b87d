"""Users of the eventsourcing library can read the ledger's log: with docs/eventsourcing.md, and with a repository."""

import re
from pathlib import Path

import pytest
from eventsourcing.application import AggregateNotFoundError

from service.app import open_ledger

PAGE = Path(__file__).parents[2] / "docs" / "eventsourcing.md"


def test_the_code_of_the_page_runs(sample):
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(code) == 5
    names = {"url": sample.url, "__name__": "page"}
    try:
        exec(compile("".join(code), str(PAGE), "exec"), names)
    finally:
        names["ledger"].close()


def test_the_repository_has_the_state_of_every_stream_as_the_ledger_has_it(sample):
    ledger = open_ledger(sample.url)
    streams = {each.originator_id for each in ledger.recorder.select_notifications(start=1, limit=10_000)}
    assert len(streams) > 2
    for stream in streams:
        aggregate, held = ledger.repository.get(stream), ledger.view(stream).stream(stream)
        assert (aggregate.id, aggregate.version, aggregate.state) == (stream, held.version, held.state)
    with pytest.raises(AggregateNotFoundError):
        ledger.repository.get("project/none")
    ledger.close()
