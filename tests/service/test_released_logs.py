"""The current version reads the log of every released version, with the same events and the same answers."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path

import msgspec
import psycopg
import pytest
from immutables import Map

from domain.ledger_view import Stream
from domain.replay import after
from service import codec
from service.ledger.states import STATE_VERSION
from tests.service.conftest import build, close
from tests.service.released_log import ADDRESSES, COLUMNS

ROOT = Path(__file__).parent.parent
RELEASES = sorted(path.name for path in (ROOT / "released").iterdir() if re.fullmatch(r"\d+\.\d+\.\d+", path.name))


def log(release):
    lines = (ROOT / "released" / release / "log.ndjson").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def answers(release):
    return json.loads((ROOT / "released" / release / "answers.json").read_text(encoding="utf-8"))


def missing(before, now, at=""):
    """The paths at which the answer `now` differs from the earlier answer `before`. `now` may have more members."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name, value in before.items():
            yield from missing(value, now.get(name), f"{at}/{name}")
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for index, (old, new) in enumerate(zip(before, now, strict=True)):
            yield from missing(old, new, f"{at}/{index}")
    elif before != now:
        yield f"{at}: {before!r} is now {now!r}"


def test_every_version_of_the_changelog_has_a_released_log():
    changelog = (ROOT.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$", changelog, re.MULTILINE)
    assert set(released) <= set(RELEASES), "python -m tests.service.released_log writes the log of the current version"


@pytest.mark.parametrize("release", RELEASES)
def test_every_released_event_round_trips_unchanged(release):
    streams: dict[str, Stream] = {}
    for event in log(release):
        read = codec.decode(event["stream"], event["version"], event["type"], json.dumps(event["fact"]))
        assert json.loads(codec.encode(read)) == event["fact"], event["position"]
        streams[event["stream"]] = after(streams.get(event["stream"], Stream()), read)
    assert {name.partition("/")[0] for name in streams} == {"fund", "project"}


@pytest.mark.parametrize("release", RELEASES)
def test_the_answers_of_a_release_are_still_given(release, database_url):
    with psycopg.connect(database_url) as conn, conn.cursor() as cursor:
        copy = "copy event (position, stream, version, type, recorded_at, fact) from stdin"
        with cursor.copy(copy) as rows:
            for event in log(release):
                rows.write_row([*(event[name] for name in COLUMNS[:-1]), json.dumps(event["fact"])])
    api = build(database_url)
    try:
        api.fold()
        for address, before in answers(release).items():
            if address in ADDRESSES:
                assert list(missing(before, api.get(address).json)) == [], address
    finally:
        close(api)


def test_states_that_are_derived_otherwise_than_before_have_another_version():
    """Otherwise a snapshot that an earlier version stored would be used as a state of the current version."""
    digest = sha256()
    for release in RELEASES:
        states: dict[str, Stream] = {}
        for row in log(release):
            event = codec.decode(row["stream"], row["version"], row["type"], json.dumps(row["fact"]))
            states[event.stream] = after(states.get(event.stream, Stream()), event)
        for name, stream in sorted(states.items()):
            digest.update(f"{name} {stream.version} ".encode())
            digest.update(msgspec.json.encode((stream.booked_on, stream.state), enc_hook=in_order, order="sorted"))
    recorded = json.loads((ROOT / "released" / "states.json").read_text(encoding="utf-8"))
    derived = {"version": STATE_VERSION, "sha256": digest.hexdigest()}
    assert derived["version"] >= recorded["version"]
    assert derived == recorded, (
        "the states of the released logs have changed: raise STATE_VERSION in service/ledger/states.py"
        f" and write {json.dumps(derived)} into tests/released/states.json"
    )


def in_order(value):
    """The pairs of a map in a fixed order. The order of the map itself differs from process to process."""
    return sorted(value.items(), key=repr) if isinstance(value, Map) else str(value)
