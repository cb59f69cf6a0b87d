"""A log in which a newer version of the program has recorded an event that this version cannot read."""

from __future__ import annotations

import subprocess
import sys

import psycopg
import pytest
from msgspec.structs import replace

from domain.fund.lifecycle import FundEstablished, SettingsChanged
from domain.project.call import CallPublished
from service import __version__, codec
from service.codec import NewerEvent
from service.ledger import application
from service.ledger.newer_streams import REMEMBERED_SECONDS, NewerStreams
from service.ledger.outcomes import Committed
from service.ledger.states import SNAPSHOT_KEY
from tests.lives import FUND, PROJECT, SETTINGS, founded, line
from tests.posting import identified, open_ledger, put
from tests.scenario import day, post
from tests.service.newer_events import record_newer


def founding(api, fund):
    settings = {"notice_working_days": 5, "approvals": ["审核"], "acceptance_tries": 2}
    return api.event("FundEstablished", f"fund/{fund}", cites=["立项依据"], name="专项资金", settings=settings)


def appropriation(api, fund):
    cites = ["上级指标文号"]
    return api.event("AppropriationReceived", f"fund/{fund}", cites=cites, amount="1.00", budget_year=2019)


def send(api, event, path="/v1/events"):
    return api.post(event, "fund-office", path)


@pytest.fixture
def two_funds(api):
    """The service with the funds f and g; and the event that founded f."""
    events = [founding(api, fund) for fund in ("f", "g")]
    for event in events:
        assert send(api, event).status_code == 201
    return api, events[0]


MOVE = {"from": "treasury", "to": "pool", "fen": "{[0,100)}", "amount": "1.00"}
NEWER = [
    ("TaxLevied", {}, []),
    ("FundEstablished", {"tax": "1"}, ["tax"]),
    ("FundEstablished", {"moves": [{**MOVE, "channel": "card"}]}, ["moves[].channel"]),
    ("FundEstablished", {"moves": [{**MOVE, "to": "reserve"}]}, ["moves[].to"]),
    ("FundEstablished", {"documents": [{"kind": "凭证", "number": "1", "chain": "x"}]}, ["documents[].chain"]),
    ("FundEstablished", {"settings": {"a": 1, "b": {"c": 2}}}, ["settings.a", "settings.b"]),
    ("FundEstablished", {"name": {"zh": "甲"}}, ["name"]),
    ("FundEstablished", {"moves": [{**MOVE, "fen": "many"}]}, ["moves[].fen"]),
    ("FundEstablished", {"documents": [{"kind": "凭证"}]}, ["documents[].number"]),
    ("FundEstablished", {"moves": 1}, ["moves"]),
]


@pytest.mark.parametrize(("type_", "more", "fields"), NEWER)
def test_an_older_program_answers_503_with_what_it_cannot_read_and_goes_on_with_other_funds(
    two_funds, type_, more, fields
):
    api, _ = two_funds
    record_newer(api.url, "fund/f", type_, **more)
    answers = [send(api, appropriation(api, "f")), send(api, appropriation(api, "f"), "/v1/events?dry_run=true")]
    answers.append(api.get("/v1/funds/f/alerts"))
    for answer in answers:
        assert (answer.status_code, answer.json["type"]) == (503, "/v1/problems/newer-log")
        assert (answer.json["event_type"], answer.json["fields"]) == (type_, fields)
        assert (answer.json["version"], answer.headers["Retry-After"]) == (__version__, "60")
    assert send(api, appropriation(api, "g")).status_code == 201


def test_a_post_that_was_recorded_is_answered_as_before_although_its_stream_cannot_be_read(two_funds):
    api, founded = two_funds
    record_newer(api.url, "fund/f")
    for _ in range(2):  # the second time, the stream is known to be unreadable
        again = send(api, founded)
        assert (again.status_code, again.json["outcome"], again.json["position"]) == (200, "replayed", 1)
        other_content = {**founded, "data": {**founded["data"], "name": "另一资金"}}
        assert send(api, other_content).json["type"] == "/v1/problems/identity-conflict"
        dry = send(api, founded, "/v1/events?dry_run=true")
        assert (dry.status_code, dry.json["outcome"]) == (200, "replayed")
    both = api.bundle([founded, appropriation(api, "f")], "fund-office")
    assert (both.status_code, both.json["type"]) == (503, "/v1/problems/newer-log")


def test_in_a_bundle_that_is_not_atomic_only_the_new_posts_to_the_unreadable_stream_fail(two_funds):
    api, founded = two_funds
    record_newer(api.url, "fund/f")
    events = [appropriation(api, "f"), founded, founding(api, "h"), appropriation(api, "h"), appropriation(api, "f")]
    answer = api.bundle(events, "fund-office", "/v1/events?atomic=false")
    outcomes = [each["outcome"] for each in answer.json["outcomes"]]
    assert (answer.status_code, outcomes) == (200, ["refused", "replayed", "recorded", "recorded", "refused"])
    for index in (0, 4):
        item = answer.json["outcomes"][index]
        assert (item["status"], item["type"]) == (503, "/v1/problems/newer-log")
    only_new = api.bundle([appropriation(api, "f")] * 2, "fund-office", "/v1/events?atomic=false")
    assert (only_new.status_code, only_new.json["type"]) == (503, "/v1/problems/newer-log")


def changed(stream=FUND):
    return identified(post(stream, SettingsChanged(SETTINGS), "1-6"))


@pytest.fixture
def decoded(monkeypatch):
    """The streams of the events that are decoded during the test, in order."""
    streams: list[str] = []
    decode = codec.decode

    def noted(stream, *event):
        streams.append(stream)
        return decode(stream, *event)

    monkeypatch.setattr(codec, "decode", noted)
    return streams


def test_a_stream_that_cannot_be_read_is_not_read_again_for_each_post(database_url, decoded):
    with open_ledger(database_url) as ledger:
        put(ledger, founded(line()))
    record_newer(database_url, FUND)
    posts = [changed(), identified(post(PROJECT, CallPublished(1, day("1-7"), "文件"), "1-6"))]
    now = 0.0
    with open_ledger(database_url) as ledger:
        ledger._newer = NewerStreams(lambda: now)
        with pytest.raises(NewerEvent):
            ledger.post([posts[0]])
        assert FUND in decoded
        decoded.clear()
        for each in posts:
            for call in (ledger.post, ledger.dry_run):
                with pytest.raises(NewerEvent, match="TaxLevied"):
                    call([each])
        for stream in (FUND, PROJECT):
            with pytest.raises(NewerEvent, match="TaxLevied"):
                ledger.view(stream)
        assert decoded == []
        now += REMEMBERED_SECONDS
        with pytest.raises(NewerEvent):
            ledger.post([posts[0]])
        assert FUND in decoded


def test_a_stream_can_be_posted_to_soon_after_a_restore_has_lost_the_newer_event(database_url):
    now = 0.0
    with open_ledger(database_url) as ledger:
        ledger._newer = NewerStreams(lambda: now)
        put(ledger, founded(line()))
        position = record_newer(database_url, FUND)
        with pytest.raises(NewerEvent):
            ledger.post([changed()])
        with psycopg.connect(database_url, autocommit=True) as admin:
            admin.execute("set session_replication_role = replica")
            admin.execute("delete from event where position = %s", [position])
        now += REMEMBERED_SECONDS
        [outcome] = ledger.post([changed()])
        assert isinstance(outcome, Committed)


def test_the_longest_streams_are_cached_at_the_start_although_one_cannot_be_read(database_url, monkeypatch, decoded):
    with open_ledger(database_url) as ledger:
        put(ledger, founded(line()))
        put(ledger, [post("fund/g", FundEstablished("专项资金", SETTINGS), "1-1")])
        put(ledger, [post("fund/g", SettingsChanged(SETTINGS), "1-6") for _ in range(3)])
    record_newer(database_url, FUND)
    monkeypatch.setattr(application, "LONG_REPLAY", 2)
    monkeypatch.setattr(application, "WARMED_FROM", 2)
    with open_ledger(database_url) as ledger:
        ledger.warm_up()
        decoded.clear()
        assert ledger.view("fund/g").stream("fund/g").version == 4
        assert decoded == []


PROGRAMS = {
    "a type": "FACTS['TaxLevied'] = type('TaxLevied', (Fact,), {'__annotations__': {'rate': str}})",
    "a field": "class FundEstablished(FACTS['FundEstablished'], frozen=True):\n    tax: str = ''",
    "a nested field": (
        "class Settings(fund.Settings, frozen=True):\n    tax: str = ''\n"
        "class FundEstablished(Fact, frozen=True):\n    name: str\n    settings: Settings"
    ),
    "an account": "posting.ACCOUNTS['reserve'] = posting.ACCOUNTS['pool']",
}
"""What other versions of the program know, which this version does not know."""


def snapshot_key(program=""):
    """The key of the snapshots that a program saves which differs from this one by `program`."""
    lines = ["from domain import posting", "from domain.decision import FACTS", "from domain.event import Fact"]
    lines += ["from domain.state import fund", program]
    lines += ["FACTS.update((k, v) for k, v in list(globals().items()) if k in FACTS)"]
    lines += ["from service.ledger.states import SNAPSHOT_KEY", "print(SNAPSHOT_KEY)"]
    command = [sys.executable, "-c", "\n".join(lines)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_key_of_snapshots_is_the_same_in_every_process_of_a_version():
    assert snapshot_key() == SNAPSHOT_KEY


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_snapshot_of_a_program_that_knows_more_does_not_hide_the_newer_event(database_url, program):
    with open_ledger(database_url) as ledger:
        put(ledger, founded(line()))
        stream = ledger.view(FUND).stream(FUND)
    position = record_newer(database_url, FUND)
    state = codec.encode_stream(replace(stream, version=stream.version + 1))
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(
            "insert into snapshot (stream, version, position, nonce, code, state)"
            " select stream, version, position, nonce, %s, %s from event where position = %s",
            [snapshot_key(program), state, position],
        )
    with open_ledger(database_url) as ledger, pytest.raises(NewerEvent, match="TaxLevied"):
        ledger.post([changed()])
