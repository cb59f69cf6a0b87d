"""Reads of rules, posting rules, unpaid money (`why`), allocations by score, clocks, alerts and evidence."""

import json
from datetime import date
from decimal import Decimal

import pytest

from domain.alerts import SENTENCES
from domain.decision import POSTABLE, rules_of
from domain.posting import POSTINGS
from domain.rules import RULES
from tests.service.conftest import live

FUND = "yx-ip-2018"


def test_every_rule_is_listed_with_its_sentences_source_and_guarded_event_types(sample):
    rules = sample.get("/v1/rules", key=None).json["rules"]
    assert [each["rule"] for each in rules] == list(RULES)
    for each in rules:
        assert each["sentence"]
        assert each["sentence_zh"]
        assert each["source"]["kind"] in ("law", "seed", "setting", "practice", "books")
        assert each["guards"] == [name for name, fact in POSTABLE.items() if RULES[each["rule"]] in rules_of(fact)]
        assert each["guards"], "a rule that guards no event type is dead code"
    one = sample.get("/v1/rules/NoTriesLeft", key=None).json
    assert (one["waivable"], one["source"]["kind"]) == ("award", "setting")
    assert sample.get(one["problem"], key=None).json["rule"] == "NoTriesLeft"
    assert sample.get("/v1/rules/NoSuchRule", key=None).status_code == 404


def test_the_published_posting_rules_equal_those_of_the_domain(sample):
    rows = sample.get("/v1/posting-rules", key=None).json["posting_rules"]
    assert [(r["event"], r["from"], r["to"], r["when"]) for r in rows] == [tuple(posting) for posting in POSTINGS]
    assert all(r["event_zh"] and (r["when_zh"] or not r["when"]) for r in rows)


def test_every_movement_follows_a_posting_rule_or_reverses_one(sample):
    rules = {(r["event"], r["from"], r["to"]) for r in sample.get("/v1/posting-rules", key=None).json["posting_rules"]}
    address, seen = f"/v1/funds/{FUND}/movements?limit=1000", 0
    for move in sample.get(address).json["movements"]:
        seen += 1
        if move["type"] == "EntryReversed":
            assert (move["entry"], move["to"], move["from"]) in rules
        else:
            assert (move["type"], move["from"], move["to"]) in rules
            assert move["entry"] is None
    assert seen > 100


def why(api, project, **params):
    response = api.get(f"/v1/projects/{project}/why", query_string=params)
    assert response.status_code == 200, response.text
    return response.json


def test_why_lists_the_event_and_documents_that_meet_each_condition_or_the_missing_rule(sample):
    [pending] = [row for row in sample.get("/v1/awards?limit=1000").json["awards"] if row["acceptance"] == "requested"]
    result = why(sample, pending["project"], batch=2, award=pending["award"])
    accept, pay = result["steps"]
    assert result["says_zh"].startswith("尚有")
    assert (pay["subject"], pay["scope"]) == (f"project/{pending['project']}", "post:payment")
    assert (pay["event"], pay["may_be_posted"]) == ("PaymentRequested", False)
    assert pay["cites"] == [["支付申请编号"]]
    met = {each["requires"]: each for each in pay["conditions"]}
    shown = met["A completed public notice has listed the award's application."]
    assert shown["met"]
    assert [cause["type"] for cause in shown["by"]] == ["NoticeStarted", "NoticeCompleted"]
    assert [document["kind"] for document in shown["by"][0]["documents"]] == ["公示"]
    decided = met["The award is live."]["by"][0]
    assert {document["kind"] for document in decided["documents"]} == {"纪要", "立项文号"}
    missing = [each["missing"]["rule"] for each in pay["conditions"] if not each["met"]]
    assert missing == ["GateShut"]
    assert "验收" in next(each for each in pay["conditions"] if not each["met"])["missing"]["title_zh"]
    assert (accept["event"], accept["may_be_posted"]) == ("AcceptancePassed", True)
    assert result["accounts"]["committed"] == pending["committed"]


def test_why_agrees_with_a_dry_run_for_every_award_and_batch_of_the_example(sample):
    waiting = settled = 0
    planned = {
        (row["project"], batch["batch"])
        for row in sample.get(f"/v1/funds/{FUND}/plan").json["rows"]
        for batch in row["batches"]
        if batch["planned"] != "0.00"
    }
    for row in sample.get("/v1/awards?limit=1000").json["awards"]:
        for batch in (each for each in (1, 2) if (row["project"], each) in planned):
            result = why(sample, row["project"], batch=batch, award=row["award"])
            identity = {"uscc": row["payee_uscc"]} if row["payee_uscc"] else {"id_card": "440104190001010001"}
            payee = {"name": row["payee"], **identity, "account": "6200000000"}
            event = sample.event(
                "PaymentRequested", f"project/{row['project']}", "2026-11-24", ("支付申请编号",),
                payment="why", award=row["award"], batch=batch, amount="0.01", payee=payee,
            )  # fmt: skip
            refused = sample.post(event, "treasury", "/v1/events?dry_run=true").json["rule"]
            if steps := [each for each in result["steps"] if each["event"] == "PaymentRequested"]:
                missing = [each["missing"]["rule"] for each in steps[0]["conditions"] if not each["met"]]
                # The account number is not in any answer, so the dry run gets as far as the payee.
                assert refused == next(iter(missing), "PayeeMismatch")
                waiting += 1
            elif not result["steps"]:
                assert not any(result["accounts"][name] != "0.00" for name in ("committed", "payable", "in_transit"))
                settled += 1
    assert waiting >= 3
    assert settled > 20


def test_why_of_a_line_lists_the_missing_conditions_of_its_award_list(api):
    life = api.get("/v1/event-types", None).json["example_life"]
    called = next(n for n, event in enumerate(life) if event["type"] == "CallPublished")
    live(api, life[: called + 1])
    api.fold()
    project = life[called]["subject"].partition("/")[2]
    result = why(api, project, batch=1)
    assert [each["event"] for each in result["steps"]] == ["CallClosed", "AwardListDecided"]
    close, step = result["steps"]
    assert (close["may_be_posted"], close["scope"], close["about"]["round"]) == (True, "post:call", 1)
    assert not step["may_be_posted"]
    missing = [each["missing"]["rule"] for each in step["conditions"] if not each["met"]]
    assert missing == ["NoNotice", "NoReview", "NobodyListed"]


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 400), ("batch=0", 400), ("batch=1&award=none", 422), ("batch=77", 422), ("batch=1&colour=red", 400)],
)
def test_a_wrong_request_for_why_is_answered_with_a_problem(sample, query, status):
    response = sample.get(f"/v1/projects/yx-ip-2018-01/why?{query}")
    assert (response.status_code, response.content_type) == (status, "application/problem+json")
    assert sample.get("/v1/projects/none/why?batch=1").status_code == 404


def allocate(api, project, key="auditor", **params):
    return api.post(json.dumps(params), key, f"/v1/projects/{project}/allocations", "application/json")


def test_an_allocation_is_refused_without_amounts_or_eligible_applications(sample):
    awarded = ["yx-ip-2018-07-A08"]
    amounts = [{"batch": 1, "amount": "360000.00"}, {"batch": 2, "amount": "240000.00"}]
    refused = allocate(sample, "yx-ip-2018-07", applications=awarded, amounts=amounts).json
    assert (refused["rule"], refused["facts"]["application"]) == ("NotStanding", "yx-ip-2018-07-A08")
    assert allocate(sample, "yx-ip-2018-07", applications=awarded * 2, amounts=amounts).json["rule"] == "NameTaken"
    assert allocate(sample, "yx-ip-2018-01").status_code == 422


def test_an_award_list_by_score_must_equal_the_allocation_of_its_own_sums(api):
    life = api.get("/v1/event-types", None).json["example_life"]
    decided = next(n for n, event in enumerate(life) if event["type"] == "AwardListDecided")
    live(api, life[:decided])
    event = life[decided]
    project, [row] = event["subject"].partition("/")[2], event["data"]["awards"]
    amounts = [{"batch": 1, "amount": "10.00"}, {"batch": 2, "amount": "5.01"}]
    result = allocate(api, project, key="award-board", amounts=amounts, quantum="0.01").json
    for batch in amounts:
        shares = [s["amount"] for r in result["rows"] for s in r["amounts"] if s["batch"] == batch["batch"]]
        assert sum(map(Decimal, shares)) == Decimal(batch["amount"])
    assert sum(Decimal(each["total"]) for each in result["rows"]) == Decimal("15.01") == Decimal(result["total"])
    [share] = result["rows"]
    assert share["application"] == row["application"]
    listed = {"by_score": True, "quantum": result["quantum"], "review": result["review"], "method": result["method_zh"]}
    right = {**event, "data": {**event["data"], **listed, "awards": [{**row, "amounts": share["amounts"]}]}}
    answer = api.post(right, "award-board", "/v1/events?dry_run=true").json
    assert answer["outcome"] == "would_record", answer
    coarse = allocate(api, project, key="award-board", amounts=amounts, quantum="1.00")
    assert coarse.json["rule"] == "QuantumTooCoarse"


@pytest.mark.parametrize("body", [[], {"quantum": "0.00"}, {"colour": 1}, {"applications": []}, {"amounts": None}])
def test_a_malformed_allocation_request_is_refused_with_its_errors(sample, body):
    response = sample.post(json.dumps(body), "auditor", "/v1/projects/yx-ip-2018-01/allocations", "application/json")
    assert response.status_code == 422
    assert response.json["errors"]


def test_the_clock_of_an_appropriation_counts_days_from_its_receipt(sample):
    row, of_district = sample.get(f"/v1/funds/{FUND}/appropriations").json["appropriations"]
    assert (row["received_on"], row["amount"], row["budget_year"]) == ("2018-12-28", "10000000.00", 2018)
    assert row["days_to_first_allotment"] == (date(2019, 5, 22) - date(2018, 12, 28)).days
    assert row["days_to_first_payment"] > row["days_to_first_allotment"]
    total = sample.get(f"/v1/funds/{FUND}/balances").json["total"]
    for name in ("paid", "surrendered"):
        assert Decimal(row[name]) + Decimal(of_district[name]) == Decimal(total[name])
    assert Decimal(row["unspent"]) == 10_000_000 - Decimal(row["paid"]) - Decimal(row["surrendered"])
    assert (row["carried_out_of"], row["spend_by"]) == (2019, "2020-12-31")


def test_alerts_are_listed_by_urgency_with_their_events(sample):
    result = sample.get(f"/v1/funds/{FUND}/alerts").json
    alerts = {each["alert"]: each for each in result["alerts"]}
    assert {"unspent", "recovery", "agreement-ended", "period-to-close"} <= set(alerts)
    assert alerts["unspent"]["urgency"] == "overdue"
    assert alerts["recovery"]["rule"] == "RecoveryOutstanding"
    for each in result["alerts"]:
        assert each["alert"] in SENTENCES
        assert each["sentence"]
        assert "{" not in each["sentence_zh"]
        for position in each["events"]:
            assert sample.get(f"/v1/events/{position}").status_code == 200
    order = [each["urgency"] for each in result["alerts"]]
    assert order == sorted(order, key=["overdue", "due", "odd"].index)


def test_citations_without_a_hash_are_listed_page_by_page(sample):
    address, seen = f"/v1/funds/{FUND}/missing-evidence?limit=100", []
    while address:
        page = sample.get(address)
        seen += page.json["missing"]
        link = page.headers.get("Link")
        address = link[1 : link.index(">")] if link else None
    assert len(seen) > 300
    assert len({(row["position"], row["seq"]) for row in seen}) == len(seen)
    kinds = sample.get(f"/v1/funds/{FUND}/missing-evidence?kind=流水号").json["missing"]
    assert {row["kind"] for row in kinds} == {"流水号"}


@pytest.mark.parametrize("path", ["alerts", "appropriations", "missing-evidence"])
def test_reports_of_an_unknown_fund_are_answered_with_404(sample, path):
    assert sample.get(f"/v1/funds/none/{path}").status_code == 404
    assert sample.get(f"/v1/funds/{FUND}/{path}?colour=red").status_code == 400


@pytest.mark.parametrize("typed", ["穗知〔2018〕99号", "穗知[2018]99号", "穗知（2018）第099号", "穗知【2018】９９号"])
def test_a_document_is_found_for_any_notation_of_its_number(sample, typed):
    answer = sample.get(f"/v1/documents/{typed}").json
    assert [row["type"] for row in answer["citations"]] == ["AppropriationReceived", "PlanDrafted"]
    assert (answer["number"], answer["official"]) == (
        "穗知〔2018〕99号", {"issuer": "穗知", "year": 2018, "serial": 99},
    )  # fmt: skip
