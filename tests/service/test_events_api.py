"""Posting over HTTP: what counts, what is refused and how it is said, and that nothing else is recorded."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import BoundedSemaphore

import psycopg
import pytest
from structlog.testing import capture_logs

from domain.rules.fund import NotTheLatestDraft
from service.api.http import strict_json
from service.app import close, create_app
from service.config import Config
from tests.service.conftest import SECRET, SMALL_PLAN

FUND = "fund/f"
SETTINGS = {"notice_working_days": 5, "approvals": ["审核"], "acceptance_tries": 2}


@pytest.fixture
def established(api):
    event = api.event("FundEstablished", FUND, cites=["立项依据"], name="专项资金", settings=SETTINGS)
    assert api.post(event, "fund-office").status_code == 201
    return event


def appropriation(api, amount="100.00", **more):
    return api.event("AppropriationReceived", FUND, cites=["上级指标文号"], amount=amount, budget_year=2019, **more)


def recorded(api):
    with psycopg.connect(api.url) as conn:
        return conn.execute("select count(*) from event").fetchone()[0]


def test_a_new_post_is_created_with_its_address_version_and_position(api, established):
    response = api.post(appropriation(api), "fund-office")
    assert response.status_code == 201
    assert response.headers["Location"] == "/v1/events/2"
    assert response.headers["ETag"] == '"2"'
    assert response.headers["Event-Position"] == "2"
    assert response.json["outcome"] == "recorded"
    assert (response.json["stream"], response.json["version"]) == (FUND, 2)


def test_the_same_post_again_is_ok_and_says_so(api, established):
    event = appropriation(api)
    api.post(event, "fund-office")
    again = api.post({**event, "time": "2026-11-23T08:00:00Z"}, "fund-office")
    assert again.status_code == 200
    assert again.headers["Idempotent-Replay"] == "true"
    assert again.json["position"] == 2
    assert recorded(api) == 2


def test_the_same_identity_with_other_content_is_a_409(api, established):
    event = appropriation(api)
    api.post(event, "fund-office")
    event["data"]["amount"] = "100.01"
    response = api.post(event, "fund-office")
    assert response.status_code == 409
    assert response.json["type"] == "/v1/problems/identity-conflict"


def test_the_order_of_keys_in_the_json_makes_no_other_content(api, established):
    event = appropriation(api)
    api.post(event, "fund-office")
    turned = dict(reversed(event.items()))
    turned["data"] = dict(reversed(event["data"].items()))
    assert api.post(turned, "fund-office").status_code == 200


def test_a_stale_expected_version_is_a_412_with_the_actual_one(api, established):
    response = api.post({**appropriation(api), "expectedversion": 9}, "fund-office")
    assert (response.status_code, response.json["actual"]) == (412, 1)
    assert recorded(api) == 1


def test_a_refusal_names_its_rule_and_its_numbers_in_two_languages(api, established):
    api.post(appropriation(api), "fund-office")
    response = api.post(api.event("PlanAdopted", FUND, cites=["局文"], draft=7), "fund-office")
    assert response.status_code == 422
    assert response.content_type == "application/problem+json"
    assert response.json == {
        "type": "/v1/problems/not-the-latest-draft",
        "title": "Version 7 of the fund is not the plan's latest draft; the latest is: none.",
        "title_zh": "第 7 号事件不是最新的计划草案；最新草案版本号：无。",
        "status": 422,
        "remedy": NotTheLatestDraft.remedy,
        "remedy_zh": NotTheLatestDraft.remedy_zh,
        "rule": "NotTheLatestDraft",
        "facts": {"draft": 7, "latest": None},
    }


def test_an_unknown_stream_is_a_404(api):
    response = api.post(appropriation(api), "fund-office")
    assert (response.status_code, response.json["rule"]) == (404, "UnknownStream")


def test_reading_with_min_position_waits_for_ones_own_write(api, established):
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(api.app.test_client().get, "/v1/funds/f?min_position=1", headers=api.headers("auditor"))
        api.fold()
        response = reading.result()
    assert response.status_code == 200
    assert response.json["as_of"]["position"] == 1


def test_a_position_that_is_not_reached_in_time_is_a_503_that_says_how_far_it_is(api, established, monkeypatch):
    monkeypatch.setattr("service.postgres.snapshots.WAIT_SECONDS", 0.05)
    response = api.get("/v1/funds?min_position=1")
    assert (response.status_code, response.json["position"]) == (503, 0)
    assert response.headers["Retry-After"]


def test_readers_ahead_of_the_log_or_too_many_to_wait_are_told_at_once(api, established, monkeypatch):
    monkeypatch.setattr("service.postgres.snapshots.WAIT_SECONDS", 60)
    ahead = api.get(f"/v1/funds?min_position={10**12}")
    assert (ahead.status_code, ahead.json["type"], ahead.json["head"]) == (404, "/v1/problems/not-in-the-log", 1)
    monkeypatch.setattr(api.app.extensions["reader"], "_waiting", BoundedSemaphore(1))
    api.app.extensions["reader"]._waiting.acquire()
    assert api.get("/v1/funds?min_position=1").status_code == 503


def test_a_bundle_is_recorded_whole_or_not_at_all(api, established):
    good, bad = appropriation(api), api.event("PlanAdopted", FUND, cites=["局文"], draft=7)
    refused = api.bundle([good, bad], "fund-office")
    assert refused.status_code == 422
    assert [o["outcome"] for o in refused.json["outcomes"]] == ["not_recorded", "refused"]
    assert refused.json["outcomes"][1]["rule"] == "NotTheLatestDraft"
    assert recorded(api) == 1
    accepted = api.bundle([good, appropriation(api)], "fund-office")
    assert accepted.status_code == 201
    assert [o["position"] for o in accepted.json["outcomes"]] == [2, 3]
    assert accepted.headers["Event-Position"] == "3"
    assert api.bundle([good], "fund-office").json["outcomes"][0]["outcome"] == "replayed"


def test_a_bundle_with_a_malformed_event_records_nothing_and_points_at_it(api, established):
    bad = appropriation(api, amount="1e3")
    response = api.bundle([appropriation(api), bad], "fund-office")
    assert response.status_code == 422
    assert [o["outcome"] for o in response.json["outcomes"]] == ["not_recorded", "refused"]
    assert response.json["outcomes"][1]["errors"][0]["pointer"] == "/1/data/amount"
    assert recorded(api) == 1


def test_not_atomic_each_event_stands_for_itself(api, established):
    events = [appropriation(api), appropriation(api, amount="x"), appropriation(api)]
    response = api.bundle(events, "fund-office", "/v1/events?atomic=false")
    assert response.status_code == 200
    assert [o["outcome"] for o in response.json["outcomes"]] == ["recorded", "refused", "recorded"]
    assert recorded(api) == 3


def test_a_bundle_has_a_limit_and_at_least_one_event(api):
    assert api.bundle([{}] * 1_001, "fund-office").status_code == 413
    assert api.bundle([], "fund-office").status_code == 422


# Keys ------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "suyuan_wrong", "密钥"])
@pytest.mark.parametrize("path", ["/v1/funds", "/v1/events", "/v1/fen/0", "/v1/nothing"])
def test_without_a_valid_key_there_is_no_answer(api, key, path):
    headers = {"Authorization": f"Bearer {key}".encode().decode("latin-1")} if key else {}
    response = api.client.get(path, headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_key_posts_only_what_its_scope_covers(api, established):
    response = api.post(appropriation(api), "treasury")
    assert (response.status_code, response.json["scope"]) == (403, "post:fund")
    assert api.post(appropriation(api), "auditor").status_code == 403
    assert recorded(api) == 1


def test_health_needs_no_key_and_the_page_only_where_the_example_is_shown(api):
    assert api.get("/healthz", key=None).json == {"status": "ok"}
    assert api.get("/readyz", key=None).json["log_position"] == 0
    assert api.get("/", key=None).status_code == 200
    elsewhere = create_app(Config(Path(), "0.0.0.0", 8000, api.url, SECRET, "/suyuan", example=True))
    assert elsewhere.test_client().get("/").status_code == 401
    assert elsewhere.test_client().get("/", headers=api.headers("auditor")).status_code == 200
    close(elsewhere)


# Bad input -------------------------------------------------------------------

NOT_JSON = {
    "half": b'{"specversion": "1.0"',
    "a duplicate key": b'{"id": "1", "id": "2"}',
    "NaN": b'{"id": NaN}',
    "Infinity": b"[-Infinity]",
    "latin-1": '{"id": "é"}'.encode("latin-1"),
    "half a character in a name": b'{"\\ud800": 1}',
    "half a character in a text": b'[{"id": "\\uDFFF", "source": "/x"}]',
    "infinity by exponent": b'{"id": 1e999}',
    "a duplicate among many": b"{" + b",".join(b'"k%d":1' % n for n in range(50_000)) + b',"k9":2}',
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep but valid": b"[" * 60 + b"]" * 60,
    "33 objects deep": b'{"a":' * 33 + b"1" + b"}" * 33,
    "33 deep, of both kinds": b'[{"a":' * 16 + b"[1]" + b"}]" * 16,
    "a huge number": b'{"id": ' + b"9" * 5_000 + b"}",
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_what_is_not_strict_json_is_a_400(api, body):
    response = api.post(body, "fund-office")
    assert (response.status_code, response.content_type) == (400, "application/problem+json")
    assert response.json["detail"]


STRICT = {
    "as deep as may be": b'[{"a":' * 16 + b'"x"' + b"}]" * 16,
    "brackets in a string": b'{"id": "' + b"[{" * 100 + b'"}',
    "escaped": b'{"\\u91d1": "\\ud83d\\ude00 \\\\ud800"}',
    "wide, not deep": b"[" + b",".join([b"{}"] * 100) + b"]",
}


@pytest.mark.parametrize("body", STRICT.values(), ids=STRICT.keys())
def test_what_is_strict_json_is_read_as_such(body):
    assert strict_json.parse(body) == json.loads(body)


MALFORMED = {
    "/type": {"type": "PaymentForgotten"},
    "/specversion": {"specversion": "0.3"},
    "/subject": {"subject": "fund/Ä"},
    "/id": {"id": ""},
    "/source": {"source": 7},
    "/extra": {"extra": "x"},
    "/data": {"data": []},
    "/expectedversion": {"expectedversion": "3"},
}


@pytest.mark.parametrize(("pointer", "change"), MALFORMED.items())
def test_a_malformed_envelope_is_pointed_at(api, pointer, change):
    response = api.post({**appropriation(api), **change}, "fund-office")
    assert response.status_code == 422
    assert [e["pointer"] for e in response.json["errors"]] == [pointer]


AMOUNTS = [
    "12.345", "12", "1e3", "1_000.00", "１２.00", "-1.00", "+1.00", " 1.00", "0.00", "01.00", 1, 1.0, None, True,
    "1.00\n", "9" * 16 + ".00", "NaN", ["1.00"],
]  # fmt: skip


@pytest.mark.parametrize("amount", AMOUNTS)
def test_money_is_an_exact_string_or_nothing(api, established, amount):
    response = api.post(appropriation(api, amount=amount), "fund-office")
    assert response.status_code == 422
    assert [e["pointer"] for e in response.json["errors"]] == ["/data/amount"]
    assert recorded(api) == 1


@pytest.mark.parametrize(
    "name", ["a\x00b", "tab\there", "right\u202eleft", "zero\u200bwidth", " space ", "", "x" * 201, "\ud800", 5]
)
def test_text_has_no_unseen_characters(api, name):
    event = api.event("FundEstablished", FUND, cites=["立项依据"], name=name, settings=SETTINGS)
    response = api.post(event, "fund-office")
    assert response.status_code in (400, 422)
    assert recorded(api) == 0


@pytest.mark.parametrize(
    "day", ["2020-2-1", "2020-02-30", "20200201", "2020-W05-1", "0001-01-01", 20200201, "２０２０-01-01"]
)
def test_a_day_is_a_day(api, established, day):
    event = appropriation(api)
    event["data"]["occurred_on"] = day
    response = api.post(event, "fund-office")
    assert [e["pointer"] for e in response.json["errors"]] == ["/data/occurred_on"]


def test_a_code_of_a_wrong_form_is_pointed_at(api):
    apply = api.event(
        "ApplicationReceived",
        "project/p",
        application="A1",
        applicant={"name": "示例", "uscc": "91440104000070016I"},
    )
    response = api.post(apply, "call-desk")
    assert [e["pointer"] for e in response.json["errors"]] == ["/data/applicant/uscc"]


def test_an_unknown_field_in_the_data_is_pointed_at(api, established):
    response = api.post(appropriation(api, ammount="1.00"), "fund-office")
    assert [e["pointer"] for e in response.json["errors"]] == ["/data/ammount"]


def test_what_the_ledger_assigns_cannot_be_posted(api):
    event = api.event("PaymentApproved", "project/p", cites=["审批单"], payment="P1", level="审核", final=True)
    response = api.post(event, "approver")
    assert [e["pointer"] for e in response.json["errors"]] == ["/data/final"]


def test_a_type_is_posted_to_its_own_kind_of_stream(api):
    response = api.post({**appropriation(api), "subject": "project/p"}, "fund-office")
    assert [e["pointer"] for e in response.json["errors"]] == ["/subject"]


@pytest.mark.parametrize(
    "path",
    ["/v1/funds/%00", "/v1/funds/A%20b/plan", "/v1/projects/%ff", "/v1/projects?fund=%00", "/v1/fen/-1", "/v1/fen/x"],
)
def test_an_address_that_can_name_nothing_is_a_problem_and_never_a_500(api, path):
    response = api.get(path)
    assert response.status_code in (400, 404)
    assert response.content_type == "application/problem+json"


def test_two_plans_may_name_one_project_and_only_one_of_them_opens_it(api):
    for code in ("f", "g"):
        subject = f"fund/{code}"
        founding = [
            api.event("FundEstablished", subject, cites=["立项依据"], name="专项", settings=SETTINGS),
            {**appropriation(api, amount="1.00"), "subject": subject},
            api.event("PlanDrafted", subject, **SMALL_PLAN),
            api.event("PlanAdopted", subject, cites=["局文"], draft=3),
        ]
        assert api.bundle(founding, "fund-office").status_code == 201
    assert api.post(api.event("ProjectOpened", "project/p", fund="g"), "fund-office").status_code == 201
    refused = api.post(api.event("ProjectOpened", "project/p", fund="f"), "fund-office")
    assert refused.json["rule"] == "ProjectExists"
    api.fold()
    assert api.get("/v1/projects/p").json["fund"] == "g"
    assert api.get("/v1/funds/f/balances").json["rows"][0]["planned"] == "1.00"
    assert [p["status"] for p in api.get("/v1/projects").json["projects"]] == ["open", "planned"]


def test_a_wrong_content_type_is_a_415_and_a_wrong_method_a_405(api):
    assert api.post(b"{}", "fund-office", kind="text/plain").status_code == 415
    assert api.post(b"{}", "fund-office", kind="application/json").status_code == 415
    response = api.client.delete("/v1/events", headers=api.headers("fund-office"))
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]


def test_a_body_that_is_too_large_is_a_413(api):
    response = api.post(b"[" + b" " * (9 * 1024 * 1024) + b"]", "fund-office")
    assert response.status_code == 413


def test_a_database_that_is_away_is_a_503_with_retry_after(api, established, monkeypatch):
    def gone(*_):
        raise psycopg.OperationalError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(api.app.extensions["ledger"], "_load", gone)
        response = api.post(appropriation(api), "fund-office")
    assert response.status_code == 503
    assert response.headers["Retry-After"]


def test_a_fault_of_ours_is_a_500_without_its_inner_parts(api, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(api.app.extensions["ledger"], "post", broken)
    response = api.post(appropriation(api), "fund-office")
    assert response.status_code == 500
    assert "secret" not in response.text


def test_each_request_and_each_post_is_one_line_of_the_log(api, established):
    with capture_logs() as lines:
        api.post(appropriation(api), "fund-office")
    assert [line["event"] for line in lines] == ["post", "request"]
    assert (lines[0]["outcome"], lines[0]["type"], lines[0]["key"]) == (
        "recorded",
        "AppropriationReceived",
        "fund-office",
    )
    assert (lines[1]["status"], lines[1]["path"]) == (201, "/v1/events")


def test_a_log_that_cannot_be_written_does_not_unsay_what_was_recorded(api, established, monkeypatch):
    def full(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr("service.observability.logs.log.info", full)
    assert api.post(appropriation(api), "fund-office").status_code == 201


def test_the_log_has_no_account_numbers_and_no_keys(api, established):
    with capture_logs() as lines:
        event = api.event("PaymentRequested", "project/p", payment="P1", award="L", batch=1, amount="1.00")
        event["data"]["payee"] = {"name": "示例", "uscc": "91440104000070016X", "account": "6222021234567890"}
        api.post(event, "treasury")
    assert "6222021234567890" not in repr(lines)
    assert api.keys["treasury"] not in repr(lines)
