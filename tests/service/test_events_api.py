"""Posting over HTTP: which posts are recorded, which are refused, and with which status and problem."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import BoundedSemaphore

import psycopg
import pytest
from structlog.testing import capture_logs

from domain.rules.fund import NotTheLatestDraft
from service import __version__
from service.api.http import strict_json
from service.api.http.problems import kebab
from service.app import close, create_app
from service.config import Config
from tests.conftest import end_sessions
from tests.service.conftest import SECRET, SMALL_PLAN, content

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


def test_a_new_post_is_answered_with_its_location_version_and_position(api, established):
    response = api.post(appropriation(api), "fund-office")
    assert response.status_code == 201
    assert response.headers["Location"] == "/v1/events/2"
    assert response.headers["ETag"] == '"2"'
    assert response.headers["Event-Position"] == "2"
    assert response.json["outcome"] == "recorded"
    assert (response.json["stream"], response.json["version"]) == (FUND, 2)


def test_the_same_post_again_is_answered_with_200_as_a_replay(api, established):
    event = appropriation(api)
    api.post(event, "fund-office")
    again = api.post({**event, "time": "2026-11-23T08:00:00Z"}, "fund-office")
    assert again.status_code == 200
    assert again.headers["Idempotent-Replay"] == "true"
    assert again.json["position"] == 2
    assert recorded(api) == 2


def test_the_same_identity_with_other_content_is_answered_with_409(api, established):
    event = appropriation(api)
    api.post(event, "fund-office")
    event["data"]["amount"] = "100.01"
    response = api.post(event, "fund-office")
    assert response.status_code == 409
    assert response.json["type"] == "/v1/problems/identity-conflict"


def test_the_order_of_json_keys_does_not_change_the_content(api, established):
    event = appropriation(api)
    api.post(event, "fund-office")
    reordered = dict(reversed(event.items()))
    reordered["data"] = dict(reversed(event["data"].items()))
    assert api.post(reordered, "fund-office").status_code == 200


def test_a_stale_expected_version_is_answered_with_412_and_the_actual_version(api, established):
    response = api.post({**appropriation(api), "expectedversion": 9}, "fund-office")
    assert (response.status_code, response.json["actual"]) == (412, 1)
    assert recorded(api) == 1


def test_a_refusal_contains_its_rule_and_its_facts_in_two_languages(api, established):
    api.post(appropriation(api), "fund-office")
    response = api.post(api.event("PlanAdopted", FUND, cites=["局文"], draft=7), "fund-office")
    assert response.status_code == 422
    assert response.content_type == "application/problem+json"
    assert content(response) == {
        "type": "/v1/problems/not-the-latest-draft",
        "title": "Version 7 of the fund is not the plan's latest draft; the latest is: none.",
        "title_zh": "本事件流第 7 号事件不是最新的计划草案；最新草案版本号：无。",
        "status": 422,
        "remedy": NotTheLatestDraft.remedy,
        "remedy_zh": NotTheLatestDraft.remedy_zh,
        "rule": "NotTheLatestDraft",
        "facts": {"draft": 7, "latest": None},
    }


def test_an_unknown_stream_is_answered_with_404(api):
    response = api.post(appropriation(api), "fund-office")
    assert (response.status_code, response.json["rule"]) == (404, "UnknownStream")


def test_a_read_with_min_position_waits_for_the_client_s_own_write(api, established):
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(api.app.test_client().get, "/v1/funds/f?min_position=1", headers=api.headers("auditor"))
        api.fold()
        response = reading.result()
    assert response.status_code == 200
    assert response.json["as_of"]["position"] == 1


def test_a_position_not_reached_in_time_is_answered_with_503_and_the_current_position(api, established, monkeypatch):
    monkeypatch.setattr("service.postgres.snapshots.WAIT_SECONDS", 0.05)
    response = api.get("/v1/funds?min_position=1")
    assert (response.status_code, response.json["position"]) == (503, 0)
    assert response.headers["Retry-After"]


def test_reads_ahead_of_the_log_or_above_the_waiting_limit_are_answered_at_once(api, established, monkeypatch):
    monkeypatch.setattr("service.postgres.snapshots.WAIT_SECONDS", 60)
    ahead = api.get(f"/v1/funds?min_position={10**12}")
    assert (ahead.status_code, ahead.json["type"], ahead.json["head"]) == (404, "/v1/problems/not-in-the-log", 1)
    monkeypatch.setattr(api.app.extensions["reader"], "_waiting", BoundedSemaphore(1))
    api.app.extensions["reader"]._waiting.acquire()
    assert api.get("/v1/funds?min_position=1").status_code == 503


def test_a_bundle_is_recorded_completely_or_not_at_all(api, established):
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


def test_a_bundle_with_a_malformed_event_records_nothing_and_returns_its_pointer(api, established):
    bad = appropriation(api, amount="1e3")
    response = api.bundle([appropriation(api), bad], "fund-office")
    assert response.status_code == 422
    assert [o["outcome"] for o in response.json["outcomes"]] == ["not_recorded", "refused"]
    assert response.json["outcomes"][1]["errors"][0]["pointer"] == "/1/data/amount"
    assert recorded(api) == 1


def test_each_event_of_a_non_atomic_bundle_has_its_own_outcome(api, established):
    events = [appropriation(api), appropriation(api, amount="x"), appropriation(api)]
    response = api.bundle(events, "fund-office", "/v1/events?atomic=false")
    assert response.status_code == 200
    assert [o["outcome"] for o in response.json["outcomes"]] == ["recorded", "refused", "recorded"]
    assert recorded(api) == 3


def test_a_bundle_that_is_empty_or_above_the_limit_is_refused(api):
    assert api.bundle([{}] * 1_001, "fund-office").status_code == 413
    assert api.bundle([], "fund-office").status_code == 422


@pytest.mark.parametrize("key", [None, "suyuan_wrong", "密钥"])
@pytest.mark.parametrize("path", ["/v1/funds", "/v1/events", "/v1/fen/0", "/v1/nothing"])
def test_a_request_without_a_valid_key_is_answered_with_401(api, key, path):
    headers = {"Authorization": f"Bearer {key}".encode().decode("latin-1")} if key else {}
    response = api.client.get(path, headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_key_can_post_only_the_types_of_its_scopes(api, established):
    response = api.post(appropriation(api), "treasury")
    assert (response.status_code, response.json["scope"]) == (403, "post:fund")
    assert api.post(appropriation(api), "auditor").status_code == 403
    assert recorded(api) == 1


def test_health_needs_no_key_and_the_console_needs_none_only_on_loopback_with_the_example(api):
    assert api.get("/healthz", key=None).json == {"status": "ok", "version": __version__}
    assert api.get("/readyz", key=None).json["log_position"] == 0
    assert api.get("/", key=None).status_code == 200
    elsewhere = create_app(Config(Path(), "0.0.0.0", 8000, api.url, SECRET, "/suyuan", example=True))
    assert elsewhere.test_client().get("/").status_code == 401
    assert elsewhere.test_client().get("/", headers=api.headers("auditor")).status_code == 200
    close(elsewhere)


NOT_JSON = {
    "an unfinished object": b'{"specversion": "1.0"',
    "a duplicate key": b'{"id": "1", "id": "2"}',
    "NaN": b'{"id": NaN}',
    "Infinity": b"[-Infinity]",
    "latin-1": '{"id": "é"}'.encode("latin-1"),
    "a lone surrogate in a name": b'{"\\ud800": 1}',
    "a lone surrogate in a text": b'[{"id": "\\uDFFF", "source": "/x"}]',
    "infinity by exponent": b'{"id": 1e999}',
    "a duplicate among many": b"{" + b",".join(b'"k%d":1' % n for n in range(50_000)) + b',"k9":2}',
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep but valid": b"[" * 60 + b"]" * 60,
    "33 objects deep": b'{"a":' * 33 + b"1" + b"}" * 33,
    "33 levels of objects and arrays": b'[{"a":' * 16 + b"[1]" + b"}]" * 16,
    "a huge number": b'{"id": ' + b"9" * 5_000 + b"}",
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_a_body_that_is_not_strict_json_is_answered_with_400(api, body):
    response = api.post(body, "fund-office")
    assert (response.status_code, response.content_type) == (400, "application/problem+json")
    assert response.json["detail"]


STRICT = {
    "as deep as allowed": b'[{"a":' * 16 + b'"x"' + b"}]" * 16,
    "brackets in a string": b'{"id": "' + b"[{" * 100 + b'"}',
    "escaped": b'{"\\u91d1": "\\ud83d\\ude00 \\\\ud800"}',
    "wide, not deep": b"[" + b",".join([b"{}"] * 100) + b"]",
}


@pytest.mark.parametrize("body", STRICT.values(), ids=STRICT.keys())
def test_strict_json_is_parsed_as_the_standard_library_does(body):
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
def test_a_malformed_envelope_is_refused_with_a_pointer(api, pointer, change):
    response = api.post({**appropriation(api), **change}, "fund-office")
    assert response.status_code == 422
    assert [e["pointer"] for e in response.json["errors"]] == [pointer]


AMOUNTS = [
    "12.345", "12", "1e3", "1_000.00", "１２.00", "-1.00", "+1.00", " 1.00", "0.00", "01.00", 1, 1.0, None, True,
    "1.00\n", "9" * 16 + ".00", "NaN", ["1.00"],
]  # fmt: skip


@pytest.mark.parametrize("amount", AMOUNTS)
def test_an_amount_that_is_not_an_exact_decimal_string_is_refused(api, established, amount):
    response = api.post(appropriation(api, amount=amount), "fund-office")
    assert response.status_code == 422
    assert [e["pointer"] for e in response.json["errors"]] == ["/data/amount"]
    assert recorded(api) == 1


@pytest.mark.parametrize(
    "name", ["a\x00b", "tab\there", "right\u202eleft", "zero\u200bwidth", " space ", "", "x" * 201, "\ud800", 5]
)
def test_text_with_invisible_characters_or_a_wrong_length_is_refused(api, name):
    event = api.event("FundEstablished", FUND, cites=["立项依据"], name=name, settings=SETTINGS)
    response = api.post(event, "fund-office")
    assert response.status_code in (400, 422)
    assert recorded(api) == 0


@pytest.mark.parametrize(
    "day", ["2020-2-1", "2020-02-30", "20200201", "2020-W05-1", "0001-01-01", 20200201, "２０２０-01-01"]
)
def test_an_invalid_date_is_refused_with_a_pointer(api, established, day):
    event = appropriation(api)
    event["data"]["occurred_on"] = day
    response = api.post(event, "fund-office")
    assert [e["pointer"] for e in response.json["errors"]] == ["/data/occurred_on"]


def test_an_invalid_uscc_is_refused_with_a_pointer(api):
    apply = api.event(
        "ApplicationReceived",
        "project/p",
        application="A1",
        applicant={"name": "示例", "uscc": "91440104000070016I"},
    )
    response = api.post(apply, "call-desk")
    assert [e["pointer"] for e in response.json["errors"]] == ["/data/applicant/uscc"]


def test_an_unknown_field_in_the_data_is_refused_with_a_pointer(api, established):
    response = api.post(appropriation(api, ammount="1.00"), "fund-office")
    assert [e["pointer"] for e in response.json["errors"]] == ["/data/ammount"]


def test_a_field_that_the_ledger_assigns_cannot_be_posted(api):
    event = api.event("PaymentApproved", "project/p", cites=["审批单"], payment="P1", level="审核", final=True)
    response = api.post(event, "approver")
    assert [e["pointer"] for e in response.json["errors"]] == ["/data/final"]


def test_an_event_type_posted_to_the_wrong_kind_of_stream_is_refused(api):
    response = api.post({**appropriation(api), "subject": "project/p"}, "fund-office")
    assert [e["pointer"] for e in response.json["errors"]] == ["/subject"]


@pytest.mark.parametrize(
    "path",
    ["/v1/funds/%00", "/v1/funds/A%20b/plan", "/v1/projects/%ff", "/v1/projects?fund=%00", "/v1/fen/-1", "/v1/fen/x"],
)
def test_an_invalid_path_or_parameter_is_a_problem_and_never_a_500(api, path):
    response = api.get(path)
    assert response.status_code in (400, 404)
    assert response.content_type == "application/problem+json"


def test_if_two_plans_name_one_project_only_one_of_them_opens_it(api):
    """Before 2026-12, a code did not belong to the fund whose plan named it first."""
    for code in ("f", "g"):
        with psycopg.connect(api.url) as conn:
            conn.execute("delete from claim where kind = 'project'")
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


def test_a_wrong_content_type_is_answered_with_415_and_a_wrong_method_with_405(api):
    assert api.post(b"{}", "fund-office", kind="text/plain").status_code == 415
    assert api.post(b"{}", "fund-office", kind="application/json").status_code == 415
    response = api.client.delete("/v1/events", headers=api.headers("fund-office"))
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]


def test_a_body_that_is_too_large_is_answered_with_413(api):
    response = api.post(b"[" + b" " * (9 * 1024 * 1024) + b"]", "fund-office")
    assert response.status_code == 413


def test_an_unreachable_database_is_answered_with_503_and_retry_after(api, established, monkeypatch):
    def unreachable(*_):
        raise psycopg.OperationalError("unreachable")

    with monkeypatch.context() as patch:
        patch.setattr(api.app.extensions["ledger"], "_load", unreachable)
        response = api.post(appropriation(api), "fund-office")
    assert response.status_code == 503
    assert response.headers["Retry-After"]


def test_posts_to_a_read_only_database_are_answered_with_503_until_it_can_be_written(api, established):
    name = psycopg.conninfo.conninfo_to_dict(api.url)["dbname"]
    events = [appropriation(api) for _ in range(3)]
    with psycopg.connect(api.url, autocommit=True) as admin:
        admin.execute(f"alter database {name} set default_transaction_read_only = on")
    end_sessions(api.url)
    with psycopg.connect(api.url, autocommit=True) as admin:
        for key in ("fund-office", "all"):
            response = api.post(events[0], key)
            assert (response.status_code, response.json["type"]) == (503, "/v1/problems/unavailable")
            assert response.headers["Retry-After"]
        assert api.bundle(events, "fund-office").status_code == 503
        assert api.get("/v1/funds").status_code == 200
        admin.execute("set default_transaction_read_only = off")
        admin.execute(f"alter database {name} reset default_transaction_read_only")
    assert [api.post(event, "fund-office").status_code for event in events] == [201, 201, 201]


def test_an_internal_error_is_answered_with_500_without_details(api, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(api.app.extensions["ledger"], "post", broken)
    response = api.post(appropriation(api), "fund-office")
    assert response.status_code == 500
    assert "secret" not in response.text


def test_each_request_writes_one_log_line_with_what_became_of_its_event(api, established):
    event = appropriation(api)
    with capture_logs() as lines:
        recorded = api.post(event, "fund-office").json
        refused = api.post(appropriation(api, on="2100-01-04"), "fund-office").json
        api.post({}, "fund-office")
    first, second, third = lines
    assert {line["event"] for line in lines} == {"request"}
    assert (first["status"], first["path"], first["key"]) == (201, "/v1/events", "fund-office")
    assert (first["outcome"], first["type"], first["id"]) == ("recorded", "AppropriationReceived", event["id"])
    assert first["position"] == recorded["position"]
    assert (second["outcome"], second["rule"], second["problem"]) == (
        "refused",
        refused["rule"],
        kebab(refused["rule"]),
    )
    assert third["outcome"] == "malformed"


def test_the_log_line_of_a_bundle_has_counts_and_positions_and_there_is_none_for_each_event(api, established):
    events = [appropriation(api), appropriation(api, on="2100-01-04"), {}, appropriation(api)]
    with capture_logs() as lines:
        answer = api.bundle(events, "fund-office", "/v1/events?atomic=false")
    first, refused, _, last = answer.json["outcomes"]
    [line] = lines
    assert line["events"] == 4
    assert line["outcomes"] == {"recorded": 2, "refused": 1, "malformed": 1}
    assert line["rules"] == {refused["rule"]: 1}
    assert (line["position"], line["last_position"]) == (first["position"], last["position"])


def test_a_failure_to_write_the_log_does_not_fail_a_recorded_post(api, established, monkeypatch):
    def full(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr("service.observability.request_log.log.info", full)
    assert api.post(appropriation(api), "fund-office").status_code == 201


def test_the_log_contains_no_account_numbers_and_no_keys(api, established):
    with capture_logs() as lines:
        event = api.event("PaymentRequested", "project/p", payment="P1", award="L", batch=1, amount="1.00")
        event["data"]["payee"] = {"name": "示例", "uscc": "91440104000070016X", "account": "6222021234567890"}
        api.post(event, "treasury")
    assert "6222021234567890" not in repr(lines)
    assert api.keys["treasury"] not in repr(lines)
