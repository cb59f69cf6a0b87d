"""The auditors' registers of payments, awards, documents and movements; and caching of answers."""

import gzip
import json
from decimal import Decimal
from urllib.parse import quote

import psycopg
import pytest
from msgspec.structs import replace

from domain.event import Posted
from domain.project.amendment import AwardDeclined
from domain.project.lifecycle import ProjectClosed
from tests.lives import PROJECT, line, only_a_awarded
from tests.posting import open_ledger, put
from tests.scenario import post
from tests.service.conftest import live

FUND = "yx-ip-2018"


def pages(api, path, name):
    """All rows of the list `name` at `path`, read page by page."""
    rows, seen = [], 0
    while path:
        answer = api.get(path).json
        rows += answer[name]
        seen += 1
        base, _, _ = path.partition("&after=")
        path = f"{base}&after={answer['next']}" if answer["next"] else None
    assert seen > 1, "the example fills several pages"
    return rows


def events_of(api, *types):
    log, after = [], 0
    while batch := api.get(f"/v1/events?after={after}&limit=1000").json:
        log += batch
        after = batch[-1]["position"]
    return [event for event in log if event["type"] in types]


def test_the_register_contains_every_payment_request_once_in_log_order(sample):
    rows = pages(sample, "/v1/payments?limit=7", "payments")
    requests = events_of(sample, "PaymentRequested", "UnorderedPaymentFound")
    assert [row["requested_position"] for row in rows] == [event["position"] for event in requests]
    assert [row["amount"] for row in rows] == [event["data"]["amount"] for event in requests]


def test_a_confirmed_payment_has_its_approvals_voucher_bank_reference_payee_and_dates(sample):
    paid = sample.get("/v1/payments?status=confirmed&limit=1").json["payments"][0]
    assert [each["level"] for each in paid["approvals"]] == ["审核", "审批"]
    assert all(each["actor"] != paid["requested_by"] for each in paid["approvals"])
    for part in ("request", "voucher", "bank_reference", "confirmed_on", "instructed_on", "payee", "payee_account"):
        assert paid[part], part
    assert paid["requested_on"] <= paid["instructed_on"] <= paid["confirmed_on"]


@pytest.mark.parametrize("part", ["fund", "project", "award", "batch", "status", "payee", "voucher", "bank_reference"])
def test_the_register_is_filtered_by_each_parameter(sample, part):
    rows = sample.get("/v1/payments?limit=1000").json["payments"]
    chosen = next(row for row in rows if row[part] is not None)
    expected = sample.get(f"/v1/payments?limit=1000&{part}={quote(str(chosen[part]))}").json["payments"]
    assert expected == [row for row in rows if row[part] == chosen[part]]


def test_the_register_is_filtered_by_payee_code_and_days(sample):
    rows = sample.get("/v1/payments?limit=1000").json["payments"]
    code = rows[0]["payee_uscc"]
    assert {row["payee_uscc"] for row in sample.get(f"/v1/payments?uscc={code}").json["payments"]} == {code}
    days = sorted({row["confirmed_on"] for row in rows if row["confirmed_on"]})
    filtered = sample.get(f"/v1/payments?limit=1000&confirmed_from={days[1]}&confirmed_to={days[-2]}").json["payments"]
    assert filtered == [row for row in rows if row["confirmed_on"] and days[1] <= row["confirmed_on"] <= days[-2]]


def test_the_paid_amounts_of_the_register_add_up_to_the_paid_balance(sample):
    rows = sample.get("/v1/payments?limit=1000").json["payments"]
    paid = sum(
        Decimal(row["amount"]) - Decimal(row["returned"]) - Decimal(row["recovered"])
        for row in rows
        if row["status"] in ("confirmed", "returned")
    )
    assert paid == Decimal(sample.get(f"/v1/funds/{FUND}/balances").json["total"]["paid"])
    assert any(Decimal(row["recovered"]) for row in rows)


def test_one_payment_is_read_by_its_name_and_project(sample):
    rows = sample.get("/v1/payments?limit=1000").json["payments"]
    row = rows[0]
    one = sample.get(f"/v1/payments/{row['payment']}?project={row['project']}").json
    assert {key: one[key] for key in row} == row
    assert sample.get("/v1/payments/nothing").status_code == 404
    assert sample.get(f"/v1/payments/{row['payment']}?project=none").status_code == 404


def test_a_payment_name_used_in_two_projects_is_answered_with_409_and_the_projects(api):
    live(api, two_projects_with_a_payment_of_one_name(api))
    api.fold()
    answer = api.get("/v1/payments/P-01")
    assert (answer.status_code, answer.json["projects"]) == (409, ["demo-2025-01", "demo-2026-01"])
    assert api.get("/v1/payments/P-01?project=demo-2026-01").json["fund"] == "demo-2026"


def test_a_payee_without_a_uscc_in_the_confirmation_does_not_get_the_requested_payee_s(api):
    life = api.get("/v1/event-types", None).json["example_life"]
    paid = next(n for n, e in enumerate(life) if e["type"] == "PaymentConfirmed" and e["data"]["payment"] == "P-01")
    live(api, life[:paid])
    other = {"name": "示例材料有限公司", "account": "999999"}
    live(api, [{**life[paid], "data": {**life[paid]["data"], "payee": other}}])
    api.fold()
    row = api.get("/v1/payments/P-01").json
    assert (row["payee"], row["payee_uscc"], row["payee_account"], row["payee_differs"]) == (
        other["name"], None, "9999", True,
    )  # fmt: skip


def two_projects_with_a_payment_of_one_name(api):
    life = api.get("/v1/event-types", None).json["example_life"]
    second = json.loads(json.dumps(life, ensure_ascii=False).replace("demo-2025", "demo-2026").replace("示例", "又一"))
    return [*life, *({**event, "source": "/second"} for event in second)]


def test_a_trace_contains_every_step_of_a_payment_s_money_from_the_appropriation(sample):
    row = sample.get("/v1/payments?status=confirmed&batch=2&limit=1").json["payments"][0]
    trace = sample.get(f"/v1/payments/{row['payment']}/trace?project={row['project']}").json
    types = [step["type"] for step in trace["steps"]]
    expected = [
        "FundEstablished", "AppropriationReceived", "PlanAdopted", "FundsAllotted", "AwardListDecided",
        "AcceptancePassed", "PaymentRequested", "PaymentApproved", "PaymentInstructed", "PaymentConfirmed",
    ]  # fmt: skip
    assert [type_ for type_ in types if type_ in expected and types.count(type_) == 1] == [
        type_ for type_ in expected if types.count(type_) == 1
    ]
    assert set(expected) <= set(types)
    received = [step["amount"] for step in trace["steps"] if step["type"] == "AppropriationReceived"]
    assert sum(int(each.replace(".", "")) for each in received) == int(row["amount"].replace(".", ""))
    assert [step["to"] for step in trace["steps"] if "to" in step][-1] == "paid"
    assert [step["position"] for step in trace["steps"]] == sorted(step["position"] for step in trace["steps"])


def test_the_trace_of_a_payment_and_of_its_first_fen_agree(sample):
    row = sample.get("/v1/payments?status=confirmed&limit=1").json["payments"][0]
    trace = sample.get(f"/v1/payments/{row['payment']}/trace?project={row['project']}").json
    serial = trace["fen"].strip("{[").partition(",")[0]
    fen = sample.get(f"/v1/fen/{serial}").json
    assert [step["position"] for step in fen["steps"]] == [step["position"] for step in trace["steps"]]


def test_each_award_is_listed_once_with_the_accounts_of_its_money(sample):
    rows = pages(sample, "/v1/awards?limit=5", "awards")
    decided = [each for event in events_of(sample, "AwardListDecided") for each in event["data"]["awards"]]
    assert sorted(row["award"] for row in rows) == sorted(each["award"] for each in decided)
    for row in rows:
        parts = sum(int(row[part].replace(".", "")) for part in ("committed", "payable", "in_flight", "paid"))
        assert parts == int(row["awarded"].replace(".", ""))
    passed = sample.get("/v1/awards?acceptance=passed&limit=1000").json["awards"]
    assert passed == [row for row in rows if row["acceptance"] == "passed"]


def test_a_document_has_every_event_that_cites_it_for_any_spacing_of_its_number(sample):
    event = events_of(sample, "PlanAdopted")[0]
    number = event["data"]["documents"][0]["number"]
    for typed in (number, f" {number} ", number.replace("〔", " 〔")):
        cited = sample.get(f"/v1/documents/{quote(typed)}").json["citations"]
        assert event["position"] in [each["position"] for each in cited]
        assert all(each["document"]["number"] == number for each in cited)
    assert sample.get("/v1/documents/%E6%97%A0").status_code == 404
    assert sample.get("/v1/documents/a/b%00").status_code == 404


def test_every_citation_in_the_log_is_found_once(sample):
    number = events_of(sample, "AppropriationReceived")[0]["data"]["documents"][0]["number"]
    citing = [
        event["position"]
        for event in events_of(sample, *{e["type"] for e in sample.get("/v1/events?limit=1000").json})
        for document in event["data"].get("documents", ())
        if document["number"] == number and "mirrors" not in event["data"]
    ]
    citations = sample.get(f"/v1/documents/{quote(number)}").json["citations"]
    assert [each["position"] for each in citations] == citing


def test_movements_equal_those_of_the_log_and_add_up_to_the_balances(sample):
    rows = pages(sample, f"/v1/funds/{FUND}/movements?limit=50", "movements")
    log = [
        (event["position"], move["from"], move["to"], move["fen"], move["amount"])
        for event in events_of(sample, *{e["type"] for e in sample.get("/v1/events?limit=1000").json})
        for move in event["data"].get("moves", ())
        if "mirrors" not in event["data"]
    ]
    assert [(row["position"], row["from"], row["to"], row["fen"], row["amount"]) for row in rows] == log
    paid = sample.get(f"/v1/funds/{FUND}/movements?account=paid&limit=1000").json["movements"]
    sign = {"paid": 1}
    total = sum(int(m["amount"].replace(".", "")) * sign.get(m["to"], -1) for m in paid)
    assert total == int(sample.get(f"/v1/funds/{FUND}/balances").json["total"]["paid"].replace(".", ""))


@pytest.mark.parametrize(
    "path",
    [
        "/v1/payments?after=x", "/v1/payments?status=lost", "/v1/payments?batch=0", "/v1/payments?confirmed_from=2020",
        "/v1/payments?limit=0", "/v1/payments?limit=1001", "/v1/payments?payee=%00", "/v1/awards?after=7",
        "/v1/awards?acceptance=x", f"/v1/funds/{FUND}/movements?after=1", f"/v1/funds/{FUND}/movements?account=mine",
        "/v1/payments?fund=A", "/v1/payments?fund=f&fund=g", "/v1/refusals?after=-1", "/v1/refusals?type=x",
        f"/v1/funds/{FUND}/balances?booked_on=2019-02-30", "/v1/payments?confirmed_to=2019-02-30",
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_named_in_the_problem(sample, path):
    answer = sample.get(path)
    assert (answer.status_code, answer.json["type"]) == (400, "/v1/problems/bad-parameter")
    assert answer.json["parameter"] in path


def test_no_table_and_no_answer_contains_an_account_number(sample):
    accounts = {each["data"]["payee"]["account"]["last4"] for each in events_of(sample, "PaymentConfirmed")}
    assert accounts
    with psycopg.connect(sample.url) as conn:
        tables = conn.execute(
            "select table_name from information_schema.tables where table_schema = 'public'"
        ).fetchall()
        text = "".join(repr(conn.execute(f"select t::text from {name} as t").fetchall()) for (name,) in tables)
    answers = "".join(
        sample.get(path).text
        for path in ("/", "/v1/events?limit=1000", "/v1/payments?limit=1000", "/v1/awards?limit=1000", "/v1/refusals")
    )
    for number in ("62000000000", "6222021234567890"):
        assert number not in text
        assert number not in answers


def test_an_unchanged_answer_is_not_sent_again(sample):
    path = f"/v1/funds/{FUND}/balances"
    first = sample.get(path)
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = sample.client.get(path, headers={**sample.headers("auditor"), "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = sample.client.get(path, headers={**sample.headers("auditor"), "If-None-Match": 'W/"other"'})
    assert other.status_code == 200


def test_a_large_answer_is_compressed_only_for_clients_that_accept_gzip(sample):
    plain = sample.get("/v1/events?limit=100")
    assert "Content-Encoding" not in plain.headers
    packed = sample.client.get("/v1/events?limit=100", headers={**sample.headers("auditor"), "Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 3
    assert {"Accept-Encoding", "Authorization"} <= {each.strip() for each in packed.headers["Vary"].split(",")}
    refusing = {**sample.headers("auditor"), "Accept-Encoding": "gzip;q=0"}
    assert "Content-Encoding" not in sample.client.get("/v1/events?limit=100", headers=refusing).headers


def test_immutable_answers_may_be_cached_and_the_last_page_of_the_log_may_not(sample):
    assert "immutable" in sample.get("/v1/events/1").headers["Cache-Control"]
    assert "immutable" in sample.get("/v1/events?limit=10").headers["Cache-Control"]
    last_page = sample.get("/v1/events?after=1&limit=1000")
    assert last_page.headers["Cache-Control"] == "no-store"
    assert sample.get("/v1/nothing").headers["Cache-Control"] == "no-store"


def test_a_page_of_the_log_is_limited_in_bytes_but_has_at_least_one_event(sample, monkeypatch):
    whole = sample.get("/v1/events?limit=1000").json
    monkeypatch.setattr("service.api.resources.feed.MAX_PAGE_BYTES", 10_000)
    rows, path = [], "/v1/events?limit=1000"
    while batch := sample.get(path):
        if not batch.json:
            break
        assert len(batch.data) < 40_000 or len(batch.json) == 1
        rows += batch.json
        path = batch.headers["Link"].partition(">")[0].lstrip("<")
    assert rows[: len(whole)] == whole


def test_every_answer_has_security_headers(sample):
    for path in ("/", "/docs", "/v1/funds", "/v1/nothing", "/healthz"):
        headers = sample.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["Server"] == "suyuan", "the web server's own name is not disclosed"


def test_a_closed_project_shows_in_the_register_how_many_awards_it_lacks(api):
    exact = only_a_awarded(replace(line(), award_rule="exact"))
    with open_ledger(api.url) as ledger:
        events = sorted(exact.ledger.entries.values(), key=lambda each: int(each.header.source_id))
        ended = (post(PROJECT, AwardDeclined("L-a", "放弃"), "3-3"), post(PROJECT, ProjectClosed(), "3-4"))
        put(ledger, [*(Posted(each.stream, each.fact, each.header) for each in events if not each.mirrors), *ended])
    api.fold()
    [project] = api.get("/v1/projects?fund=f").json["projects"]
    assert (project["status"], project["awards_missing"]) == ("closed", 2)
    [alert] = [each for each in api.get("/v1/funds/f/alerts").json["alerts"] if each["alert"] == "awards-missing"]
    assert (alert["project"], alert["facts"], alert["events"]) == ("p", {"missing": 2}, [project["closed_position"]])
