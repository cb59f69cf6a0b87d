"""Posts in binary mode, to the path of a stream, with conditions and as dry runs; and reads of a post's outcome."""

import json

import psycopg
import pytest

from tests.service.conftest import SMALL_PLAN, content

FUND = "fund/f"
SETTINGS = {"notice_working_days": 5, "approvals": ["审核"], "acceptance_tries": 2}


def founding(api, **more):
    return api.event("FundEstablished", FUND, cites=["立项依据"], name="专项资金", settings=SETTINGS, **more)


def appropriation(api, amount="100.00", **more):
    return api.event("AppropriationReceived", FUND, cites=["上级指标文号"], amount=amount, budget_year=2019, **more)


@pytest.fixture
def founded(api):
    assert api.post(founding(api), "fund-office").status_code == 201
    return api


def recorded(api):
    with psycopg.connect(api.url) as conn:
        return conn.execute("select count(*) from event").fetchone()[0]


def post(api, path, event, **headers):
    return api.client.post(
        path,
        data=json.dumps(event),
        content_type="application/cloudevents+json",
        headers={**api.headers("fund-office"), **headers},
    )


def binary(api, event, **more):
    headers = {f"ce-{name}": str(value) for name, value in event.items() if name != "data"}
    return api.client.post(
        "/v1/events",
        data=json.dumps(event["data"]),
        content_type="application/json",
        headers={**api.headers("fund-office"), **headers, **more},
    )


def test_an_event_in_binary_mode_is_the_same_post_as_in_structured_mode(founded):
    event = appropriation(founded)
    assert binary(founded, event).status_code == 201
    again = founded.post(event, "fund-office")
    assert (again.status_code, again.headers["Idempotent-Replay"]) == (200, "true")


def test_attributes_in_headers_are_percent_encoded(founded):
    event = appropriation(founded)
    assert binary(founded, event, **{"ce-id": "%E7%BC%96%E5%8F%B7-1"}).json["id"] == "编号-1"


@pytest.mark.parametrize(
    ("header", "value", "pointer"),
    [
        ("ce-id", "%ff", "/id"),
        ("ce-id", "编号".encode().decode("latin-1"), "/id"),
        ("ce-extra", "x", "/extra"),
        ("ce-data", "x", "/data"),
        ("ce-expectedversion", "one", "/expectedversion"),
        ("ce-type", "Nothing", "/type"),
    ],
)
def test_an_invalid_attribute_in_a_header_is_refused_with_a_pointer(founded, header, value, pointer):
    response = binary(founded, appropriation(founded), **{header: value})
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, pointer)
    assert recorded(founded) == 1


def test_an_expected_version_in_a_header_is_checked(founded):
    stale = binary(founded, appropriation(founded), **{"ce-expectedversion": "7"})
    assert (stale.status_code, stale.json["actual"]) == (412, 1)
    assert binary(founded, appropriation(founded), **{"ce-expectedversion": "1"}).status_code == 201


def test_json_without_attributes_is_answered_with_415_and_the_accepted_content_types(founded):
    response = founded.post(appropriation(founded), "fund-office", kind="application/json")
    assert response.status_code == 415
    assert "application/cloudevents+json" in response.headers["Accept-Post"]


def test_the_path_of_a_stream_supplies_the_subject(api):
    event = founding(api)
    del event["subject"]
    assert post(api, "/v1/funds/f/events", event).json["stream"] == FUND
    other = post(api, "/v1/funds/g/events", appropriation(api))
    assert (other.status_code, other.json["errors"][0]["pointer"]) == (422, "/subject")
    assert post(api, "/v1/projects/f/events", appropriation(api)).status_code == 422


def test_if_match_is_checked_against_the_stream_version(founded):
    event = appropriation(founded)
    stale = post(founded, "/v1/funds/f/events", event, **{"If-Match": '"9"'})
    assert (stale.status_code, stale.json["expected"], stale.json["actual"]) == (412, 9, 1)
    counted = post(founded, "/v1/funds/f/events", event, **{"If-Match": '"1"'})
    assert (counted.status_code, counted.headers["ETag"]) == (201, '"2"')
    again = post(founded, "/v1/funds/f/events", event, **{"If-Match": '"1"'})
    assert again.status_code == 200, "a retry is never refused as stale"


def test_if_none_match_requires_a_new_stream(api):
    event = founding(api)
    assert post(api, "/v1/funds/f/events", event, **{"If-None-Match": "*"}).status_code == 201
    second = {**founding(api), "id": "second"}
    refused = post(api, "/v1/funds/f/events", second, **{"If-None-Match": "*"})
    assert (refused.status_code, refused.json["actual"]) == (412, 1)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/funds/f/events", {"If-Match": "1"}),
        ("/v1/funds/f/events", {"If-Match": "*"}),
        ("/v1/funds/f/events", {"If-Match": 'W/"1"'}),
        ("/v1/funds/f/events", {"If-Match": '"1", "2"'}),
        ("/v1/funds/f/events", {"If-Match": '"１"'.encode().decode("latin-1")}),
        ("/v1/funds/f/events", {"If-None-Match": '"1"'}),
        ("/v1/funds/f/events", {"If-None-Match": "*", "If-Match": '"1"'}),
        ("/v1/events", {"If-Match": '"1"'}),
        ("/v1/events", {"If-None-Match": "*"}),
    ],
)
def test_an_unsupported_condition_is_answered_with_400_and_never_ignored(founded, path, headers):
    response = post(founded, path, appropriation(founded), **headers)
    assert (response.status_code, response.json["type"]) == (400, "/v1/problems/bad-header")
    assert recorded(founded) == 1


def test_a_condition_that_contradicts_the_event_is_refused_with_a_pointer(founded):
    event = {**appropriation(founded), "expectedversion": 1}
    response = post(founded, "/v1/funds/f/events", event, **{"If-Match": '"2"'})
    assert response.json["errors"][0]["pointer"] == "/expectedversion"


def test_the_condition_of_a_bundle_to_one_stream_applies_to_the_whole_bundle(founded):
    events = [appropriation(founded), appropriation(founded)]
    send = {"content_type": "application/cloudevents-batch+json", "data": json.dumps(events)}
    stale = founded.client.post(
        "/v1/funds/f/events", **send, headers={**founded.headers("fund-office"), "If-Match": '"5"'}
    )
    assert stale.status_code == 422
    assert [each["outcome"] for each in stale.json["outcomes"]] == ["refused", "not_recorded"]
    counted = founded.client.post(
        "/v1/funds/f/events", **send, headers={**founded.headers("fund-office"), "If-Match": '"1"'}
    )
    assert counted.status_code == 201


@pytest.mark.parametrize("path", ["/v1/events", "/v1/funds/f/events", "/v1/projects/p/events"])
def test_options_return_the_accepted_content_types_and_limits(api, path):
    response = api.client.options(path, headers=api.headers("treasury"))
    assert response.status_code == 200
    assert "application/cloudevents-batch+json" in response.headers["Accept-Post"]
    assert response.json["limits"]["bundle_events"] == 1000


def test_a_dry_run_returns_the_events_of_a_post_and_records_nothing(founded):
    event = appropriation(founded)
    dry = founded.post(event, "fund-office", "/v1/events?dry_run=true")
    assert (dry.status_code, dry.json["outcome"]) == (200, "would_record")
    [drafted] = dry.json["events"]
    assert (drafted["streamversion"], drafted["data"]["moves"][0]["fen"]) == (2, "{[0,10000)}")
    assert recorded(founded) == 1
    counted = founded.post(event, "fund-office")
    log = founded.get(counted.headers["Location"]).json
    of_the_content = log["data"].pop("content_sha256")
    assert log["data"] == drafted["data"], "without the digest, by which a guessed account number could be confirmed"
    with psycopg.connect(founded.url) as conn:
        query = "select encode(digest, 'hex') from post where id = %s"
        assert conn.execute(query, [event["id"]]).fetchone() == (of_the_content,)


def test_a_refused_dry_run_has_the_same_answer_as_the_post_and_is_not_stored(founded):
    event = founded.event("PlanAdopted", FUND, cites=["局文"], draft=7)
    dry = founded.post(event, "fund-office", "/v1/events?dry_run=true")
    assert founded.get("/v1/refusals").json["refusals"] == []
    real = founded.post(event, "fund-office")
    assert (dry.status_code, content(dry)) == (real.status_code, content(real))


def test_a_dry_run_of_a_recorded_post_is_a_replay(founded):
    event = appropriation(founded)
    founded.post(event, "fund-office")
    dry = founded.post(event, "fund-office", "/v1/events?dry_run=true")
    assert (dry.status_code, dry.json["outcome"]) == (200, "replayed")


def test_a_dry_run_of_a_bundle_applies_its_earlier_events(api):
    bundle = [founding(api), appropriation(api)]
    dry = api.bundle(bundle, "fund-office", "/v1/events?dry_run=true")
    assert [each["outcome"] for each in dry.json["outcomes"]] == ["would_record", "would_record"]
    assert recorded(api) == 0


def lookup(api, event, key="fund-office"):
    return api.client.get(
        "/v1/posts", query_string={"source": event["source"], "id": event["id"]}, headers=api.headers(key)
    )


def test_the_outcome_of_a_post_can_be_read_at_once(founded):
    event = appropriation(founded)
    unknown = lookup(founded, event)
    assert (unknown.status_code, unknown.json["type"]) == (404, "/v1/problems/no-such-post")
    founded.post(event, "fund-office")
    found = lookup(founded, event)
    assert (found.status_code, found.json["outcome"], found.json["position"], found.json["version"]) == (
        200,
        "recorded",
        2,
        2,
    )


def test_a_refused_post_is_found_with_its_rule_and_later_as_recorded(founded):
    event = founded.event("PlanAdopted", FUND, cites=["局文"], draft=2)
    founded.post(event, "fund-office")
    found = lookup(founded, event)
    assert (found.json["outcome"], found.json["refusals"][0]["rule"]) == ("refused", "NotTheLatestDraft")
    founded.post(founded.event("PlanDrafted", FUND, **SMALL_PLAN), "fund-office")
    founded.post(appropriation(founded), "fund-office")
    assert founded.post(event, "fund-office").status_code == 201, "a refusal does not use up the id"
    found = lookup(founded, event)
    assert (found.json["outcome"], len(found.json["refusals"])) == ("recorded", 1)


def test_another_sender_without_the_read_scope_cannot_find_a_post(founded):
    event = appropriation(founded)
    founded.post(event, "fund-office")
    assert lookup(founded, event, "operator").status_code == 404
    assert lookup(founded, event, "auditor").status_code == 200


@pytest.mark.parametrize("query", ["", "?source=/test", "?id=1", "?source=%00&id=1", "?source=a&id=b&x=1"])
def test_a_lookup_without_a_valid_source_and_id_is_answered_with_400(api, query):
    assert api.get(f"/v1/posts{query}").status_code == 400


def test_a_refusal_is_stored_with_its_sender_rule_facts_and_times_and_repeats_are_counted(founded):
    event = founded.event("PlanAdopted", FUND, cites=["局文"], draft=7)
    for _ in range(3):
        founded.post(event, "fund-office")
    [stored] = founded.get("/v1/refusals").json["refusals"]
    assert (stored["key"], stored["actor"], stored["type"], stored["stream"], stored["fund"]) == (
        "fund-office", "测试", "PlanAdopted", FUND, "f",
    )  # fmt: skip
    assert (stored["rule"], stored["facts"], stored["times"]) == ("NotTheLatestDraft", {"draft": 7, "latest": None}, 3)
    assert stored["first_at"] < stored["last_at"]


def test_conflicts_stale_versions_and_unknown_streams_are_stored_as_refusals(founded):
    event = appropriation(founded)
    founded.post(event, "fund-office")
    changed = {**event, "data": {**event["data"], "amount": "1.00"}}
    founded.post(changed, "fund-office")
    founded.post({**appropriation(founded), "expectedversion": 9}, "fund-office")
    founded.post(appropriation(founded), "treasury")
    founded.post({**appropriation(founded), "subject": "fund/none"}, "fund-office")
    stored = founded.get("/v1/refusals").json["refusals"]
    assert [each["problem"] for each in stored] == [
        "identity-conflict",
        "stale-version",
        "unknown-stream",
    ], "a post outside the key's scopes is written to the service's log only"
    assert recorded(founded) == 2


def test_posts_that_are_malformed_or_without_a_key_are_not_stored_as_refusals(founded):
    founded.post(b"{", "fund-office")
    founded.post(appropriation(founded, amount="x"), "fund-office")
    founded.post(appropriation(founded), None)
    assert founded.get("/v1/refusals").json["refusals"] == []


def test_only_the_refused_items_of_a_bundle_are_stored(founded):
    bad = founded.event("PlanAdopted", FUND, cites=["局文"], draft=7)
    founded.bundle([appropriation(founded), bad, bad], "fund-office")
    stored = founded.get("/v1/refusals").json["refusals"]
    assert [(each["type"], each["times"]) for each in stored] == [("PlanAdopted", 1)]


def test_refusals_are_paginated_and_filtered_by_fund_key_and_type(founded):
    for draft in range(5):
        founded.post(founded.event("PlanAdopted", FUND, cites=["局文"], draft=draft + 3), "fund-office")
    first = founded.get("/v1/refusals?limit=2")
    second = founded.get(first.headers["Link"].partition(">")[0].lstrip("<"))
    assert [each["id"] for each in first.json["refusals"] + second.json["refusals"]] == [1, 2, 3, 4]
    assert founded.get("/v1/refusals?fund=g").json["refusals"] == []
    assert len(founded.get("/v1/refusals?key=fund-office&type=PlanAdopted&fund=f").json["refusals"]) == 5


def test_stored_refusals_contain_no_account_number(founded):
    event = founded.event("PaymentRequested", "project/p", payment="P1", award="L", batch=1, amount="1.00")
    event["data"]["payee"] = {"name": "示例", "uscc": "91440104000070016X", "account": "6222021234567890"}
    founded.post(event, "treasury")
    with psycopg.connect(founded.url) as conn:
        stored = conn.execute("select r::text from refusal as r").fetchall()
    assert stored
    assert "6222021234567890" not in repr(stored)
