"""Single events posted past Flask are answered as the application answers them, and nothing else is answered there."""

import json

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.rows import dict_row

from service import example
from service.auth import api_keys
from service.auth.grants import POSTING, grant
from service.example import life
from service.ledger import application
from service.ledger.states import CachedState
from service.plans import plan_file
from service.server.declined import Declined
from service.server.single_posts import SinglePost, SinglePosts
from tests.conftest import new_database
from tests.service.conftest import SECRET, build, close, live
from tests.service.test_gateway import FUND, appropriation, founding

PROJECT = "project/demo-2025-01"


class Direct:
    """Posts to the service of `api` past Flask."""

    def __init__(self, api):
        self.api, self.posts = api, SinglePosts(api.app.extensions["ledger"], SECRET)

    def request(self, event, key="all", stream=None):
        principal = self.api.app.extensions["authenticator"].authenticate(f"Bearer {self.api.keys[key]}")
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        return SinglePost("/v1/events", "/v1/events", stream, principal, body, {"request_id": "r"})

    def post(self, event, key="all", stream=None):
        [answer] = self.posts.answer([self.request(event, key, stream)])
        return answer


@pytest.fixture
def direct(api):
    return Direct(api)


def headers(pairs):
    own = {name.lower(): value for name, value in pairs}
    return {name: value for name, value in own.items() if name not in ("x-request-id", "content-length")}


def test_every_event_of_a_life_is_answered_byte_for_byte_as_the_application_answers_it(server_url, template):
    posted = []
    with new_database(server_url, template) as one, new_database(server_url, template) as other:
        of_flask, direct = build(one), Direct(build(other))

        def post(event):
            event = {**event, "source": "/test"}
            key = example.key_of(event)
            expected, answer = of_flask.post(event, key), direct.post(event, key)
            assert (answer.status, answer.body) == (expected.status_code, expected.data), event
            assert headers(answer.headers) == headers(expected.headers)
            posted.append(event)
            return json.loads(answer.body)["version"]

        setup = list(plan_file.posts(plan_file.read(example.PLAN), "测试"))
        for event in setup:
            post(event)
        life.play(post, setup, direct.posts._ledger.view().working_days)
        for event in posted[:20]:
            post(event)
        close(of_flask)
        close(direct.api)


NOT_ANSWERED = {
    "no JSON": b"{",
    "an array": b"[]",
    "a name that occurs twice": b'{"id": "a", "id": "b"}',
    "not UTF-8": b'{"id": "\xff"}',
    "no event": b"{}",
}


@pytest.mark.parametrize("body", NOT_ANSWERED.values(), ids=NOT_ANSWERED)
def test_what_is_malformed_is_left_to_the_application(direct, body):
    assert direct.post(body) is None
    assert not recorded(direct.api)


@pytest.mark.parametrize(("key", "stream"), [("treasury", None), ("all", "fund/other"), ("auditor", None)])
def test_what_the_key_or_the_url_does_not_allow_is_left_to_the_application(direct, key, stream):
    assert direct.post(json.loads(founding(direct.api)), key, stream) is None
    assert not recorded(direct.api)


def recorded(api):
    with psycopg.connect(api.url) as conn:
        return conn.execute("select count(*) from event").fetchone()[0]


def test_what_a_rule_refuses_and_a_conflict_are_left_to_the_application_and_do_not_disturb_others(direct):
    event = json.loads(founding(direct.api))
    assert direct.post(event).status == 201
    refused, changed = {**event, "id": "again"}, {**event, "data": {**event["data"], "name": "另一名称"}}
    good = [json.loads(appropriation(direct.api)) for _ in range(3)]
    answers = direct.posts.answer(
        [direct.request(each) for each in (good[0], refused, good[1], changed, b"", good[2], good[0])]
    )
    assert [each and each.status for each in answers] == [201, None, 201, None, None, 201, 200]
    positions = [json.loads(each.body)["position"] for each in answers if each]
    assert positions == [2, 3, 4, 2], "in the order in which they were sent; the last is the first again"


@pytest.fixture
def called(api):
    """A project of the examples is open; the key `own` is for its fund, and the key `foreign` for another."""
    examples = {each["id"]: each for each in api.get("/v1/event-types", None).json["example_life"]}
    live(api, [event for name, event in examples.items() if name <= "demo-005"])
    with psycopg.connect(api.url, autocommit=True, row_factory=dict_row) as conn:
        for name, fund in (("own", "demo-2025"), ("foreign", "f")):
            granted = grant(POSTING, funds=[fund], sources=["/test"])
            api.keys[name] = api_keys.create(conn, SECRET, name, granted)
    return Direct(api)


def closing(called):
    return called.api.event("ProjectClosed", PROJECT, cites=["结项"])


def test_a_key_of_one_fund_posts_to_its_projects_once_they_are_cached_and_to_no_others(called):
    states = called.posts._ledger._states
    for key in ("own", "foreign"):
        states.discard(PROJECT)
        assert called.post(closing(called), key) is None, "the application looks up the project's fund"
    called.posts._ledger.view(PROJECT)
    assert called.post(closing(called), "foreign") is None
    assert called.post(closing(called), "own").status == 201


def test_a_cached_project_from_before_a_failover_does_not_widen_what_a_key_may_do(called):
    """The log was another one when the state was cached: then the project was in the fund of the key."""
    ledger = called.posts._ledger
    ledger.view(PROJECT)
    cached = ledger._states.cached([PROJECT])[PROJECT]
    ledger._states.discard(PROJECT)
    lost = replace(cached.stream, state=replace(cached.stream.state, fund="f"))
    ledger._states.put({PROJECT: CachedState(lost, replace(cached.last, nonce=cached.last.nonce + 1))})
    assert called.post(closing(called), "foreign") is None
    assert called.post(closing(called), "own").status == 201


def test_when_the_ledger_cannot_be_reached_all_are_declined_as_unavailable(direct, monkeypatch):
    def unavailable(posts):
        return [application.Unavailable() for _ in posts]

    monkeypatch.setattr(direct.posts._ledger, "post_each", unavailable)
    answer = direct.post(json.loads(founding(direct.api)))
    assert isinstance(answer, Declined)
    assert answer.kind == "unavailable"


def test_a_post_that_needs_a_long_replay_is_left_to_the_application_and_the_others_do_not_wait(direct, monkeypatch):
    event = json.loads(founding(direct.api))
    assert direct.post(event).status == 201
    for _ in range(3):
        assert direct.post(json.loads(appropriation(direct.api))).status == 201
    monkeypatch.setattr(application, "LONG_REPLAY", 2)
    direct.posts._ledger._states.discard(FUND)
    other = {**event, "id": "other", "subject": "fund/other"}
    waiting = json.loads(appropriation(direct.api))
    answers = direct.posts.answer([direct.request(waiting), direct.request(other)])
    assert answers[0] is None
    assert answers[1].status == 201
    assert direct.api.post(waiting, "all").status_code == 201
    assert direct.post(json.loads(appropriation(direct.api))).status == 201, "cached now"
    assert direct.post(other).status == 200


def test_a_failure_to_write_the_log_does_not_fail_a_recorded_post(direct, monkeypatch):
    def full(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr("service.observability.request_log.log.info", full)
    assert direct.post(json.loads(founding(direct.api))).status == 201
