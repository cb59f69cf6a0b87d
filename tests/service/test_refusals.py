"""The table of refusals is limited per key and by age, and says what it no longer has."""

import concurrent.futures
import json
import threading
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from service.api.posting import refusal_log
from service.app import create_app
from service.auth import api_keys
from service.auth.grants import SCOPES, grant
from service.config import Config
from service.postgres import roles
from service.workers import refusal_expiry
from tests.conftest import as_role
from tests.service.conftest import SECRET, Api, close
from tests.service.test_gateway import FUND, appropriation, founding

KEPT = 40
"""The limit of the number of refusals of a key in these tests."""
AFTER_DROPPING = KEPT * 9 // 10


@pytest.fixture
def limited(database_url):
    """A service with the limit KEPT, a fund, and the keys `one` and `two`, which may post everything."""
    of_web = as_role(database_url, roles.WEB)
    config = Config(Path(), "127.0.0.1", 8000, of_web, SECRET, "/suyuan", rate=100_000, refusals=KEPT)
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as conn:
        keys = {name: api_keys.create(conn, SECRET, name, grant(SCOPES, sources=["/test"])) for name in ("one", "two")}
        keys["of fund g"] = api_keys.create(conn, SECRET, "of fund g", grant(["read"], funds=["g"]))
    api = Api(create_app(config), keys, database_url)
    assert api.post(founding(api), "one").status_code == 201
    yield api
    close(api)


def refused(api, draft, subject=FUND):
    return api.event("PlanAdopted", subject, cites=["局文"], draft=draft)


def flood(api, key, how_many, start=10):
    events = [refused(api, draft) for draft in range(start, start + how_many)]
    answer = api.bundle(events, key, "/v1/events?atomic=false")
    assert [each["outcome"] for each in answer.json["outcomes"]] == ["refused"] * how_many
    return events


def kept(api, key):
    return api.get(f"/v1/refusals?key={key}&limit=1000", "one").json["refusals"]


def totals(api):
    """The kept totals of each key, and the same counted."""
    counted = "select key, count(*), sum(bytes) from refusal group by key"
    with psycopg.connect(api.url) as conn:
        stored = conn.execute("select key, kept, bytes from refusal_total where kept > 0 order by key").fetchall()
        return stored, conn.execute(f"{counted} order by key").fetchall()


def test_the_oldest_refusals_of_a_key_are_dropped_and_those_of_other_keys_stay(limited):
    of_two = flood(limited, "two", KEPT)
    flood(limited, "one", KEPT)
    before = kept(limited, "one")
    assert (len(before), limited.get("/v1/refusals", "one").json["dropped"]) == (KEPT, [])
    [last] = flood(limited, "one", 1, start=10_000)
    after = kept(limited, "one")
    assert (len(after), after[:-1], after[-1]["post_id"]) == (AFTER_DROPPING, before[-len(after) + 1 :], last["id"])
    for _ in range(5):
        flood(limited, "one", KEPT)
    assert len(kept(limited, "one")) <= KEPT
    assert {each["post_id"] for each in kept(limited, "two")} == {each["id"] for each in of_two}
    stored, counted = totals(limited)
    assert stored == counted


def test_the_list_says_how_many_refusals_of_which_key_were_dropped_and_since_when_all_are_kept(limited):
    flood(limited, "two", 2)
    flood(limited, "one", KEPT)
    first_at = kept(limited, "one")[-1]["first_at"]
    flood(limited, "one", 1, start=10_000)
    [dropped] = limited.get("/v1/refusals", "two").json["dropped"]
    assert (dropped["key"], dropped["dropped"]) == ("one", KEPT + 1 - AFTER_DROPPING)
    assert dropped["kept_since"] == first_at
    for query, keys in (("key=two", []), ("key=one", ["one"]), ("fund=f", ["one"]), ("fund=none", [])):
        assert [each["key"] for each in limited.get(f"/v1/refusals?{query}", "two").json["dropped"]] == keys, query
    assert [each["key"] for each in limited.get("/v1/refusals?fund=none", "one").json["dropped"]] == ["one"], "its own"


def test_a_limited_key_learns_only_of_keys_with_a_refusal_in_its_fund(limited):
    flood(limited, "one", KEPT + 1)
    assert limited.get("/v1/refusals?fund=g", "of fund g").json["dropped"] == []
    limited.post(refused(limited, 7, "fund/g"), "one")
    found = limited.get("/v1/refusals?fund=g", "of fund g").json
    assert ([each["fund"] for each in found["refusals"]], [each["key"] for each in found["dropped"]]) == (
        ["g"],
        ["one"],
    )


def test_a_repeated_refusal_takes_no_more_room(limited):
    event = refused(limited, 7)
    for _ in range(KEPT + 5):
        limited.post(event, "one")
    assert [each["times"] for each in kept(limited, "one")] == [KEPT + 5]
    assert totals(limited)[0] == totals(limited)[1]


def test_the_bytes_of_a_key_are_limited_too(limited):
    flood(limited, "one", 10)
    [(_, _, size)], _ = totals(limited)
    limited.app.config["REFUSALS"] = refusal_log.Limits(KEPT, size)
    flood(limited, "one", 10, start=100)
    [(_, number, held)], _ = totals(limited)
    assert (number < 10, held <= size) == (True, True)
    assert len(kept(limited, "one")) == number


def test_facts_that_are_too_large_are_named_and_not_kept(limited):
    small, large = {"draft": 7, "name": "甲" * 100}, "x" * refusal_log.MAX_FACTS_BYTES
    with limited.app.test_request_context():
        assert refusal_log._that_fit(small) == small
        assert refusal_log._that_fit({**small, "rows": [large], "more": {"a": large}}) == small


def test_floods_at_once_end_without_deadlock_and_within_the_limit(limited):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        floods = [pool.submit(flood, limited, key, 30, start) for start in range(5) for key in ("one", "two")]
        for each in floods:
            each.result()
    stored, counted = totals(limited)
    assert stored == counted
    for key in ("one", "two"):
        flood(limited, key, 1, start=10_000)
        assert len(kept(limited, key)) <= KEPT


def test_what_is_deleted_by_hand_is_counted(limited):
    flood(limited, "one", 5)
    with psycopg.connect(limited.url, autocommit=True) as conn:
        conn.execute("delete from refusal where id in (select min(id) from refusal)")
    assert totals(limited)[0] == totals(limited)[1]
    [dropped] = limited.get("/v1/refusals", "one").json["dropped"]
    assert (dropped["key"], dropped["dropped"]) == ("one", 1)


def test_refusals_that_were_not_repeated_for_the_days_of_the_setting_expire(limited):
    flood(limited, "one", 3)
    with psycopg.connect(limited.url, autocommit=True) as conn:
        conn.execute("update refusal set first_at = now() - interval '11 days', last_at = now() - interval '9 days'")
        conn.execute("update refusal set last_at = now() - interval '11 days' where id = (select min(id) from refusal)")

    def expire(days):
        stop = threading.Event()
        stop.set()
        config = Config(Path(), "", 0, as_role(limited.url, roles.PROJECTOR), SECRET, "/suyuan", refusal_days=days)
        refusal_expiry.follow(config, stop)

    expire(0)
    assert len(kept(limited, "one")) == 3
    expire(10)
    assert len(kept(limited, "one")) == 2
    assert [each["dropped"] for each in limited.get("/v1/refusals", "one").json["dropped"]] == [1]


def test_an_answer_says_that_its_refusal_could_not_be_stored(limited):
    events = [json.loads(appropriation(limited)), refused(limited, 7)]
    with psycopg.connect(limited.url) as conn:
        conn.execute("lock table refusal")
        outcomes = limited.bundle(events, "one", "/v1/events?atomic=false").json["outcomes"]
    assert [(each["outcome"], each.get("kept")) for each in outcomes] == [("recorded", None), ("refused", False)]
    again = limited.bundle(events, "one", "/v1/events?atomic=false").json["outcomes"]
    assert [(each["outcome"], each.get("kept")) for each in again] == [("replayed", None), ("refused", None)]
    assert len(kept(limited, "one")) == 1
