"""The web service on a real PostgreSQL with all demo keys, called through Flask's test client."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from service import example
from service.app import close as close_app
from service.app import create_app, open_ledger
from service.auth import api_keys
from service.auth.grants import SCOPES, Grant, grant
from service.config import Config
from service.example import life
from service.ledger.application import Ledger
from service.plans import plan_file
from service.postgres import roles
from service.workers import projector
from tests.conftest import as_role, new_database

SECRET = b"a secret of the tests, 32 bytes!"
SMALL_PLAN = {
    "title": "计划",
    "total": "1.00",
    "tasks": [{"code": "一", "name": "任务"}],
    "batches": [{"batch": 1, "name": "第一批", "total": "1.00"}],
    "lines": [
        {
            "project": "p",
            "number": 1,
            "name": "甲",
            "name_annex": "甲",
            "tasks": ["一"],
            "award_rule": "exact",
            "awards": 1,
            "fixed_total": False,
            "total": "1.00",
            "batches": [{"batch": 1, "amount": "1.00", "gate": "award"}],
        }
    ],
}
"""The event data of a plan with one project that is paid in one batch."""


class Api:
    """The service, called with one of its keys by name. `fold` folds the log, so that reads show what was posted.

    The service and the projector connect as their own roles; `url` is the superuser's.
    """

    def __init__(self, app, keys_by_name, url):
        self.app, self.keys, self.url = app, keys_by_name, url
        self.client = app.test_client()
        self.ids = itertools.count(1)
        self.setup: list[dict] = []

    def get(self, path, key="auditor", **options):
        return self.client.get(path, headers=self.headers(key), **options)

    def post(self, event, key, path="/v1/events", kind="application/cloudevents+json"):
        body = event if isinstance(event, (bytes, str)) else json.dumps(event)
        return self.client.post(path, data=body, content_type=kind, headers=self.headers(key))

    def bundle(self, events, key, path="/v1/events"):
        return self.post(list(events), key, path, "application/cloudevents-batch+json")

    def headers(self, key):
        return {"Authorization": f"Bearer {self.keys.get(key, key)}"} if key else {}

    def fold(self):
        return projector.catch_up(as_role(self.url, roles.PROJECTOR))

    def event(self, type_, subject, on="2020-01-02", cites=(), **data):
        """A CloudEvent with a new id."""
        documents = [{"kind": kind, "number": f"第{next(self.ids)}号"} for kind in cites]
        return {
            "specversion": "1.0",
            "id": f"test-{next(self.ids)}",
            "source": "/test",
            "type": type_,
            "subject": subject,
            "data": {"occurred_on": on, "actor": "测试", "documents": documents, **data},
        }


SOURCES = frozenset({"/lives", "/refused", "/second", "/test", "/unused", *example.SOURCES})


def posting(granted: Grant) -> Grant:
    """The grant with all sources that tests post under."""
    return replace(granted, sources=SOURCES)


def build(url: str, oidc: Path | None = None) -> Api:
    """The service on this database, with the demo keys and the key `all` that has every scope.

    `oidc`: the configuration file of an issuer whose tokens the service trusts.
    """
    grants = {**example.DEMO_KEYS, "all": grant(SCOPES)}
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as conn:
        by_name = {
            name: api_keys.create(conn, SECRET, name, posting(granted), person=example.DEMO_PERSONS.get(name))
            for name, granted in grants.items()
        }
    return with_keys(by_name, url, oidc)


def with_keys(by_name: dict[str, str], url: str, oidc: Path | None = None) -> Api:
    """The service on this database, which has these keys already."""
    of_web = as_role(url, roles.WEB)
    config = Config(Path(), "127.0.0.1", 8000, of_web, SECRET, "/suyuan", rate=100_000, oidc=oidc, example=True)
    app = create_app(config)
    return Api(app, by_name, url)


def play_example(api: Api) -> list[dict]:
    """Record and fold the plan and the example life of `make run`. Returns the posts that set the fund up."""
    return play_on(api.app.extensions["ledger"], api.url)


def play_on(ledger: Ledger, url: str) -> list[dict]:
    setup = post_example(ledger)
    projector.catch_up(as_role(url, roles.PROJECTOR))
    return setup


def post_example(ledger: Ledger) -> list[dict]:
    setup = list(plan_file.posts(plan_file.read(example.PLAN), "测试"))
    post = example.poster(ledger, SECRET, lambda: None)
    for event in setup:
        post(event)
    life.play(post, setup, ledger.view().working_days)
    return setup


def live(api: Api, events: list[dict]) -> None:
    """Post the events one by one, each with the demo key that may post this type of event."""
    for event in events:
        response = api.post(event, example.key_of(event))
        assert response.status_code == 201, (event, response.json)


def content(response) -> dict:
    """The JSON of a response without the id of the request, which is another one for each request."""
    return {name: value for name, value in response.json.items() if name != "request_id"}


def close(api: Api) -> None:
    close_app(api.app)


@pytest.fixture
def api(database_url):
    api = build(database_url)
    yield api
    close(api)


@pytest.fixture(scope="session")
def example_url(server_url, template):
    """The URL of a database for the example, which is shared by tests that only read."""
    with new_database(server_url, template) as url:
        yield url


@pytest.fixture(scope="session")
def sample(example_url):
    api = build(example_url)
    api.setup = play_example(api)
    yield api
    close(api)


@pytest.fixture(scope="session")
def example_database(server_url, template):
    """The name of a database with the example and without keys. Tests that post use a clone of the database."""
    with new_database(server_url, template) as url:
        ledger = open_ledger(as_role(url, roles.WEB))
        play_on(ledger, url)
        ledger.close()
        yield psycopg.conninfo.conninfo_to_dict(url)["dbname"]


@pytest.fixture
def sample_copy(server_url, example_database):
    """The service on a clone of the example database. The test may post to this service."""
    with new_database(server_url, example_database) as url:
        api = build(url)
        yield api
        close(api)


@pytest.fixture(scope="session")
def owned(server_url, template):
    """The superuser's URL of a migrated database that the role suyuan_owner owns, as on the embedded server."""
    with new_database(server_url, template) as url:
        with psycopg.connect(url) as admin:
            roles.hand_over(admin)
        yield url
