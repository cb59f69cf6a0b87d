"""A fund of three levels of government over two years: its plan file, and its balances by source and appropriation."""

import pytest

from service import example
from service.cli import plan_check
from service.plans import plan_file
from service.plans.schedule import schedule
from tests.service.conftest import SECRET

THREE_LEVELS = """
format: suyuan-plan/1
fund:
  code: three-2020
  name: 示例：三级资金
  established_on: 2020-01-06
  settings: {notice_working_days: 3, approvals: [审批], acceptance_tries: 1}
  documents: [{kind: 立项依据, number: 示例财〔2020〕1号}]
appropriations:
  - amount: 500
    budget_year: 2020
    received_on: 2020-01-08
    source: 中央
    documents: [{kind: 上级指标文号, number: 示例中央〔2020〕2号}]
  - amount: 100
    budget_year: 2020
    received_on: 2020-02-11
    source: 区
    documents: [{kind: 本级指标文号, number: 示例区〔2020〕3号}]
  - amount: 300
    budget_year: 2021
    received_on: 2021-03-01
    source: 省
    documents: [{kind: 上级指标文号, number: 示例省〔2021〕4号}]
  - {amount: 100, budget_year: 2021, source: 区}
plan:
  title: 三级资金安排计划
  unit: 元
  drafted_on: 2020-02-03
  adopted_on: 2020-02-10
  allotted_on: 2020-02-12
  documents: [{kind: 纪要, number: 示例纪〔2020〕3号}]
  allotment_documents: [{kind: 指标文, number: 示例预〔2020〕4号}]
  sources:
    - {source: 中央, name: 中央专项资金, level: central, amount: 500}
    - {source: 省, name: 省级配套, level: provincial, amount: 300}
    - {source: 区, name: 区级配套, level: district, amount: 200}
  tasks: [{code: 甲, name: 甲任务}]
  batches:
    - {batch: 1, name: 2020年, gate: award, total: 600}
    - {batch: 2, name: 2021年, gate: award, total: 400}
  total: 1000
  projects:
    - {code: three-2020-a, number: 1, name: 甲, tasks: [甲], awards: {max: 4}, amounts: {1: 400, 2: 250}, total: 650}
    - {code: three-2020-b, number: 2, name: 乙, tasks: [甲], awards: {max: 4}, amounts: {1: 200, 2: 150}, total: 350}
"""
FUND = "/v1/funds/three-2020"


@pytest.fixture
def plan(tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text(THREE_LEVELS, encoding="utf-8")
    return plan_file.read(file)


@pytest.fixture
def loaded(api, plan):
    post = example.poster(api.app.extensions["ledger"], SECRET, lambda: None)
    for event in plan_file.posts(plan, "测试"):
        post(event)
    api.fold()
    return api


def test_a_plan_is_loaded_as_far_as_its_money_has_arrived_and_the_rest_is_reported(plan):
    events = [each.event for each in plan_check.checked(plan, "测试")]
    steps = [(each["type"], each["data"]["occurred_on"]) for each in events if each["subject"].startswith("fund")]
    assert steps == [
        ("FundEstablished", "2020-01-06"),
        ("AppropriationReceived", "2020-01-08"),
        ("PlanDrafted", "2020-02-03"),
        ("PlanAdopted", "2020-02-10"),
        ("AppropriationReceived", "2020-02-11"),
        ("FundsAllotted", "2020-02-12"),
        ("FundsAllotted", "2020-02-12"),
        ("AppropriationReceived", "2021-03-01"),
        ("FundsAllotted", "2021-03-01"),
    ]
    assert [(each["data"]["project"], each["data"]["batch"]) for each in events if each["type"] == "FundsAllotted"] == [
        ("three-2020-a", 1), ("three-2020-b", 1), ("three-2020-a", 2),
    ]  # fmt: skip
    assert [line.partition(" ")[0] for line in plan_file.left_out(plan)] == ["appropriations[4]:", "three-2020-b"]


def test_money_that_arrives_between_the_draft_and_the_adoption_is_booked_before_the_adoption(tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text(THREE_LEVELS.replace("received_on: 2020-02-11", "received_on: 2020-02-05"), encoding="utf-8")
    posts = list(plan_file.posts(plan_file.read(file), "测试"))
    days = [(each["type"], each["data"]["occurred_on"]) for each in posts[2:5]]
    assert days == [
        ("PlanDrafted", "2020-02-03"), ("AppropriationReceived", "2020-02-05"), ("PlanAdopted", "2020-02-10"),
    ]  # fmt: skip
    assert posts[4]["data"]["draft"] == 3


def test_a_plan_file_that_is_loaded_again_with_more_money_adds_only_that(loaded, tmp_path):
    rest = "  - {amount: 100, budget_year: 2021, source: 区}\n"
    arrived = rest.replace(
        "}", ", received_on: 2021-04-01, documents: [{kind: 本级指标文号, number: 示例区〔2021〕5号}]}"
    )
    file = tmp_path / "more.yaml"
    file.write_text(THREE_LEVELS.replace(rest, arrived), encoding="utf-8")
    before = loaded.get("/readyz").json["log_position"]
    post = example.poster(loaded.app.extensions["ledger"], SECRET, lambda: None)
    for event in plan_file.posts(plan_file.read(file), "测试"):
        post(event)
    added = loaded.get(f"/v1/events?after={before}").json
    assert [(each["type"], each["data"]["occurred_on"]) for each in added] == [
        ("AppropriationReceived", "2021-04-01"), ("FundsAllotted", "2021-04-01"), ("AllotmentReceived", "2021-04-01"),
    ]  # fmt: skip
    assert list(plan_file.left_out(plan_file.read(file))) == []


def test_one_appropriation_and_the_first_of_several_are_the_same_event():
    one = {"amount": "1.00", "received_on": "2020-01-08"}
    body = {"drafted_on": "2020-02-03", "adopted_on": "2020-02-10", "allotted_on": "2020-02-12", "projects": []}
    single = schedule({"appropriation": one, "plan": body}).before
    several = schedule({"appropriations": [one, one], "plan": body}).before
    assert [each.id_ for each in (*single, *several)] == ["appropriated", "appropriated", "appropriated-2"]


def test_the_balances_by_source_follow_the_fen(loaded):
    answer = loaded.get(f"{FUND}/balances?by=source").json
    columns = ("source", "level", "planned", "appropriated", "pool", "allotted", "line")
    assert [tuple(row[name] for name in columns) for row in answer["rows"]] == [
        ("中央", "central", "500.00", "500.00", "0.00", "500.00", "500.00"),
        ("省", "provincial", "300.00", "300.00", "50.00", "250.00", "250.00"),
        ("区", "district", "200.00", "100.00", "0.00", "100.00", "100.00"),
    ]
    total = loaded.get(f"{FUND}/balances").json["total"]
    assert (answer["total"], answer["next"]) == (total, None)
    assert total["allotted"] == "850.00"


def test_the_balances_by_source_as_of_a_day_have_what_had_come_by_then(loaded):
    rows = loaded.get(f"{FUND}/balances?by=source&booked_on=2020-02-10").json["rows"]
    assert [(row["source"], row["appropriated"], row["pool"]) for row in rows] == [
        ("中央", "500.00", "500.00"), ("省", "0.00", "0.00"), ("区", "0.00", "0.00"),
    ]  # fmt: skip
    before_the_plan = loaded.get(f"{FUND}/balances?by=source&booked_on=2020-01-09").json["rows"]
    assert [(row["source"], row["planned"], row["pool"]) for row in before_the_plan] == [("中央", None, "500.00")]


def test_the_balances_by_appropriation_come_in_pages_with_their_documents(loaded):
    first = loaded.get(f"{FUND}/balances?by=appropriation&limit=2").json
    assert [(row["appropriation"], row["source"], row["level"], row["allotted"]) for row in first["rows"]] == [
        (2, "中央", "central", "500.00"), (5, "区", "district", "100.00"),
    ]  # fmt: skip
    assert first["rows"][0]["documents"] == [{"kind": "上级指标文号", "number": "示例中央〔2020〕2号"}]
    second = loaded.get(f"{FUND}/balances?by=appropriation&limit=2&after={first['next']}").json
    assert [row["source"] for row in second["rows"]] == ["省"]
    assert second["next"] is None


def test_a_cursor_of_another_grouping_is_refused(loaded):
    for query in (
        "by=award&after=5",
        "by=appropriation&after=1/three-2020-a/1/",
        "by=source&after=5",
        "by=source&limit=5",
    ):
        response = loaded.get(f"{FUND}/balances?{query}")
        assert (response.status_code, response.json["type"].rpartition("/")[2]) == (400, "bad-parameter"), query


def test_each_appropriation_tells_its_source_its_level_and_its_document(loaded):
    rows = loaded.get(f"{FUND}/appropriations").json["appropriations"]
    assert [(row["source"], row["source_name"], row["level"]) for row in rows] == [
        ("中央", "中央专项资金", "central"), ("区", "区级配套", "district"), ("省", "省级配套", "provincial"),
    ]  # fmt: skip
    assert [row["documents"][0]["number"] for row in rows] == [
        "示例中央〔2020〕2号", "示例区〔2020〕3号", "示例省〔2021〕4号",
    ]  # fmt: skip


def test_what_a_province_takes_back_is_surrendered_out_of_its_own_appropriation(loaded):
    of_line = {"project": "three-2020-a", "batch": 2, "amount": "100.00", "funding_source": "省"}
    cut = {"account": "pool", "amount": "150.00", "funding_source": "省"}
    for event in (
        loaded.event("AllotmentWithdrawn", "fund/three-2020", "2021-06-03", ("批复",), **of_line),
        loaded.event("SurplusSurrendered", "fund/three-2020", "2021-06-05", ("收回指标文",), **cut),
    ):
        assert loaded.post(event, "all").status_code == 201
    loaded.fold()
    rows = loaded.get(f"{FUND}/appropriations").json["appropriations"]
    assert [(row["source"], row["surrendered"]) for row in rows] == [
        ("中央", "0.00"), ("区", "0.00"), ("省", "150.00"),
    ]  # fmt: skip
    alerts = {each["alert"]: each["facts"] for each in loaded.get(f"{FUND}/alerts").json["alerts"]}
    assert alerts["plan-exceeds-sources"] == {"planned": "250.00", "pool": "0.00", "to_come": "100.00"}


def test_a_source_behind_its_plan_is_reported(loaded):
    alerts = loaded.get(f"{FUND}/alerts").json["alerts"]
    [behind] = [each for each in alerts if each["alert"] == "source-behind"]
    assert behind["facts"] == {"name": "区级配套", "planned": "200.00", "received": "100.00"}
    assert behind["sentence_zh"] == "资金来源“区级配套”应到位 200.00 元，已到位 100.00 元。"


def test_the_balances_by_source_of_a_fund_whose_plan_lists_none_have_one_row(sample):
    [row] = sample.get("/v1/funds/yx-ip-2018/balances?by=source&position=418").json["rows"]
    assert (row["source"], row["name"], row["planned"]) == (None, None, None)
    assert row["appropriated"] == "10000000.00"
