"""The annex of a plan: that of the example equals the district's to the character; adjustments stand beside it."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from domain.entry_reversed import EntryReversed
from domain.fund.funding import AllotmentWithdrawn, FundsReallocated
from domain.fund.lifecycle import FundEstablished
from domain.fund.plan import Annex, Headings, PlanAdopted
from domain.state.fund import Gate
from service import example
from service.plans import plan_file
from tests.lives import FUND as LIVES_FUND
from tests.lives import SETTINGS, allotted, line, plan, revised, yuan
from tests.posting import open_ledger, put
from tests.scenario import post
from tests.service.conftest import SECRET

FUND = "yx-ip-2018"
FOLDER = Path(__file__).parent
PRINTED = (FOLDER / "seed.zh.txt").read_text(encoding="utf-8")
"""The district's plan, as published for comments."""
SEED = json.loads((FOLDER / "seed.json").read_text(encoding="utf-8"))
"""The same plan, transcribed."""
HEADING, TABLE = PRINTED[: PRINTED.index("为加快")], PRINTED[PRINTED.index("附表") : PRINTED.rindex("1")]


def compact(text):
    return re.sub(r"\s", "", text)


def annex(api, fund=FUND, **params):
    response = api.get(f"/v1/funds/{fund}/annex", query_string=params)
    assert response.status_code == 200, response.text
    return response.json


def text(api, fund=FUND, **params):
    response = api.get(f"/v1/funds/{fund}/annex.txt", query_string=params)
    assert (response.status_code, response.content_type) == (200, "text/plain; charset=utf-8"), response.text
    return response.text


def cells(shown):
    return [row.split("\t") for row in shown.splitlines()]


# The example -----------------------------------------------------------------


def test_the_annex_of_the_example_equals_the_printed_one_to_the_character(sample):
    shown = text(sample)
    assert compact(TABLE).endswith("合计1000600400")
    assert compact(shown[shown.index("附表") :]) == compact(TABLE)


def test_the_annex_of_the_draft_has_the_heading_and_the_mark_of_the_printed_draft(api):
    setup = plan_file.posts(plan_file.read(example.PLAN), "测试")
    post_event = example.poster(api.app.extensions["ledger"], SECRET, lambda: None)
    for event in setup:
        if event["type"] == "PlanAdopted":
            break
        post_event(event)
    api.fold()
    for amounts in ("printed", "current"):
        assert compact(text(api, amounts=amounts)) == compact(HEADING + TABLE)
    draft = annex(api)
    assert (draft["status"], draft["mark"], draft["position"]) == ("draft", "征求意见稿", 3)
    assert draft["total"]["printed"] == draft["total"]["current"]
    assert {row["adjustment"]["total"] for row in draft["rows"]} == {"0"}
    assert api.get(f"/v1/funds/{FUND}/annex?position=3").status_code == 404, "no plan was in force"


def test_the_annex_shows_what_is_printed_the_adjustments_and_the_current_plan_beside_each_other(sample):
    shown = annex(sample)
    assert (shown["label"], shown["caption"], shown["unit"], shown["status"], shown["mark"]) == (
        "附件1", "附表", "万元", "revised", None,
    )  # fmt: skip
    totals = {
        row["project"]: tuple(row[name]["total"] for name in ("printed", "adjustment", "current"))
        for row in shown["rows"]
    }
    assert {project: each for project, each in totals.items() if each[1] != "0"} == {
        "yx-ip-2018-01": ("170", "8", "178"),
        "yx-ip-2018-06": ("20", "-8", "12"),
        "yx-ip-2018-10": ("0", "6", "6"),
        "yx-ip-2018-11": ("0", "22", "22"),
    }
    of_all = [shown["total"][name]["total"] for name in ("printed", "adjustment", "current")]
    assert of_all == ["1000", "28", "1028"]
    header, first, *_, total = cells(text(sample, amounts="compared").partition("计划表\n")[2])
    assert header[4:8] == ["项数", "总金额(万元) 批准数", "总金额(万元) 调整数", "总金额(万元) 现行数"]
    assert first[:8] == ["（二）", "提升知识产权创造质量", "11", shown["rows"][0]["name"], "1", "170", "8", "178"]
    assert total[3:8] == ["合计", "", "1000", "28", "1028"]
    assert "\t178\t" in text(sample, amounts="current")


def test_the_annex_of_a_past_time_is_the_one_without_the_later_adjustments(sample):
    past = annex(sample, booked_on="2019-05-31")
    assert {row["adjustment"]["total"] for row in past["rows"]} == {"0"}
    assert past["as_of"]["booked_on"] == "2019-05-31"
    assert text(sample, amounts="current", booked_on="2019-05-31") == text(sample)


def test_the_plan_file_of_the_example_has_each_field_of_the_seed():
    made = list(plan_file.posts(plan_file.read(example.PLAN), "测试"))
    data = {event["type"]: event["data"] for event in made}
    drafted = data["PlanDrafted"]
    wan = {name: Decimal(amount) for name, amount in SEED["totals_wan"].items()}
    assert f"{drafted['title']}（{SEED['plan_title_zh'].partition('（')[2]}" == SEED["plan_title_zh"]
    assert drafted["annex"]["label"] == SEED["annex_label"]
    assert drafted["annex"]["unit"] == SEED["source_unit"]
    assert in_wan(data["AppropriationReceived"]["amount"]) == SEED["source"]["amount_wan"]
    assert data["AppropriationReceived"]["budget_year"] == SEED["source"]["year"]
    assert data["AppropriationReceived"]["documents"][0]["number"] == SEED["source"]["funding_document"]
    assert {task["code"]: task["name"] for task in drafted["tasks"]} == SEED["tasks"]
    assert (in_wan(drafted["total"]), *(in_wan(batch["total"]) for batch in drafted["batches"])) == tuple(wan.values())
    assert [line_of_event(each) for each in drafted["lines"]] == [line_of_seed(each) for each in SEED["projects"]]
    assert [each["objective"] for each in drafted["lines"]] == [
        compact(each) for each in re.findall("项目主要任务和目标：(.*)", PRINTED)
    ]
    assert {each["support"] for each in drafted["lines"]} == {"advance"}
    assert SEED["funding_type"]["zh"] == "前补助"
    gates = [each["gate"] for each in drafted["lines"][0]["batches"]]
    assert gates == ["award", "acceptance"], [each["gate"] for each in SEED["tranche_rules"]]


def in_wan(yuan):
    return Decimal(yuan) / 10_000


def line_of_event(line):
    amounts = {each["batch"]: in_wan(each["amount"]) for each in line["batches"]}
    return {
        "seq": line["number"],
        "annex_no_raw": line["number_raw"],
        "name_zh": line["name"],
        "name_annex_zh": line["name_annex"],
        "name_en": line["name_en"].lower(),
        "tasks": line["tasks"],
        "awards": (line["award_rule"], line["awards"]),
        "fixed_total": line["fixed_total"],
        "total_wan": in_wan(line["total"]),
        "batch1_wan": amounts[1],
        "batch2_wan": amounts[2],
    }


def line_of_seed(line):
    same = ("seq", "annex_no_raw", "name_zh", "name_annex_zh", "tasks", "total_wan", "batch1_wan", "batch2_wan")
    return {
        **{name: line[name] for name in same},
        "name_en": line["name_en"].lower(),
        "awards": (line["awards"]["rule"], line["awards"]["n"]),
        "fixed_total": line.get("allocation") == "by_score_fixed_total",
    }


def test_the_five_documents_of_the_seed_stand_in_the_example_in_their_roles():
    made = {
        event["type"]: event["data"]["documents"] for event in plan_file.posts(plan_file.read(example.PLAN), "测试")
    }
    bases = made["PlanDrafted"]
    titles = ["title_as_printed" if "title_as_printed" in each else "title" for each in SEED["documents"]]
    assert [(each["number"], each["issuer"], each["title"]) for each in bases] == [
        (each["no"], each["issuer"], each[title]) for each, title in zip(SEED["documents"], titles, strict=True)
    ]
    assert all(each["number"].strip() in PRINTED and compact(each["title"]) in compact(PRINTED) for each in bases)
    assert [each["kind"] for each in bases] == ["立项依据", "资金管理办法", "上级指标文号", "资金管理办法", "实施方案"]
    assert made["FundEstablished"] == bases[:1]
    assert made["AppropriationReceived"] == bases[2:3]
    [minutes] = made["PlanAdopted"]
    assert (minutes["kind"], minutes["number"][:2], minutes["title"][:2]) == ("纪要", "示例", "示例")


# Other plans -----------------------------------------------------------------


def test_a_plan_that_does_not_say_how_it_is_printed_has_the_usual_headings_and_stands_under_its_own_title(api):
    with open_ledger(api.url) as ledger:
        put(ledger, allotted(line(awards=3)))
    api.fold()
    shown = annex(api, "f")
    assert (shown["label"], shown["caption"], shown["title"], shown["unit"]) == (
        None,
        "附表",
        shown["plan_title"],
        "元",
    )
    assert shown["columns"][:6] == ["实施方案", "主要任务", "序号", "项目名称", "项数", "总金额(元)"]
    assert shown["total"]["heading"] == "合计"
    [row] = shown["rows"]
    assert (row["number"], row["awards"]) == ("1", "不超过3个")
    assert text(api, "f").startswith(f"{shown['plan_title']}\n\n附表\n实施方案\t主要任务\t")


def test_lines_that_are_added_or_dropped_stand_in_the_annex_and_in_its_totals(api):
    own = Annex("附件2", "附表一", "调整后的安排表", "万元", Headings(name="项目", sum="总计"))
    first, later = line(amounts=("60.00",), gates=(Gate.AWARD,)), line("q", 2, amounts=("0.01", "40.00"))
    with open_ledger(api.url) as ledger:
        put(ledger, (*allotted(line()), post(LIVES_FUND, AllotmentWithdrawn("p", 2, yuan("40.00")), "1-7")))
        put(ledger, [post(LIVES_FUND, replace(revised(first, later), annex=own), "1-8")])
        put(ledger, [post(LIVES_FUND, revised(later, first), "1-9")])
    api.fold()
    shown = annex(api, "f")
    assert shown["status"] == "revised"
    assert [row["project"] for row in shown["rows"]] == ["q", "p"], "in the order of the plan"
    assert (shown["label"], shown["title"], shown["unit"]) == ("附件2", "调整后的安排表", "万元"), "as the plan before"
    figures = {
        row["project"]: [
            [each["amount"] for each in row[name]["batches"]] for name in ("printed", "adjustment", "current")
        ]
        for row in shown["rows"]
    }
    assert figures == {
        "p": [["0.006", "0.004"], ["0", "-0.004"], ["0.006", "0"]],
        "q": [["0", "0"], ["0.000001", "0.004"], ["0.000001", "0.004"]],
    }
    assert shown["total"]["heading"] == "总计"
    assert [shown["total"][name]["total"] for name in ("printed", "adjustment", "current")] == [
        "0.01", "0.000001", "0.010001",
    ]  # fmt: skip
    assert cells(text(api, "f"))[-1] == ["", "", "", "合计", "", "100", "60", "40"], "as it was printed, in 元"
    *_, row, total = cells(text(api, "f", amounts="current"))
    assert row[-2:] == ["0.006", ""], "no amount is printed where the plan has none"
    assert total[3:] == ["总计", "", "0.010001", "0.006001", "0.004"]


ADJUSTED = [
    (FundsReallocated("p", 1, "q", 1, yuan("10.00")), {("p", 1): "-10", ("q", 1): "10"}),
    (
        revised(line(amounts=("50.00", "40.00")), line("q", 2, amounts=("70.00", "45.00"))),
        {("p", 1): "-10", ("q", 1): "10", ("q", 2): "5"},
    ),
    (FundsReallocated("q", 2, "p", 2, yuan("7.01")), {
        ("p", 1): "-10", ("q", 1): "10", ("p", 2): "7.01", ("q", 2): "-2.01",
    }),
    (EntryReversed(11, "误调"), {("p", 1): "-10", ("q", 1): "10", ("q", 2): "5"}),
]  # fmt: skip
"""What adjusts a plan of two lines with 60 and 40 yuan each, and the adjustments by line and batch after it."""


def test_reallocations_revisions_and_reversals_are_adjustments_from_their_position_on(api):
    posts = (*allotted(line(), line("q", 2), appropriated="200.00"), *(post(LIVES_FUND, f, "1-7") for f, _ in ADJUSTED))
    with open_ledger(api.url) as ledger:
        heads = [put(ledger, [each]) for each in posts]
    api.fold()
    for position, changes in zip(heads[-len(ADJUSTED) - 1 :], [{}, *(changes for _, changes in ADJUSTED)], strict=True):
        shown = annex(api, "f", position=position)
        adjusted = {
            (row["project"], each["batch"]): each["amount"]
            for row in shown["rows"]
            for each in row["adjustment"]["batches"]
        }
        assert {place: amount for place, amount in adjusted.items() if amount != "0"} == changes, position
        for row in (*shown["rows"], shown["total"]):
            printed, adjustment, current = (of_row(row, name) for name in ("printed", "adjustment", "current"))
            assert adjustment == [now - then for now, then in zip(current, printed, strict=True)], position
        assert [of_row(row, "printed") for row in shown["rows"]] == [[100, 60, 40]] * 2
        assert sum(of_row(shown["total"], "adjustment")[1:]) == sum(map(Decimal, changes.values()))
    assert shown == {**annex(api, "f"), "as_of": shown["as_of"]}, "the last position is now"


def of_row(row, name):
    return [Decimal(row[name]["total"]), *(Decimal(each["amount"]) for each in row[name]["batches"])]


def test_a_line_or_batch_that_left_the_plan_stands_at_the_end_of_its_annex(api):
    with open_ledger(api.url) as ledger:
        put(ledger, [post("fund/f", FundEstablished("专项资金", SETTINGS), "1-1")])
        put(ledger, [post("fund/f", plan(line(), line("q", 2)), "1-2"), post("fund/f", PlanAdopted(2), "1-3")])
        put(ledger, [post("fund/f", revised(line("q", 2, amounts=("60.00",), gates=(Gate.AWARD,))), "1-4")])
    api.fold()
    shown = annex(api, "f")
    assert [(row["project"], row["in_plan"], of_row(row, "current")) for row in shown["rows"]] == [
        ("q", True, [60, 60, 0]), ("p", False, [0, 0, 0]),
    ]  # fmt: skip
    assert shown["columns"][5:] == ["总金额(元)", "第1批(元)", "第2批(元)"]
    assert {name: of_row(shown["total"], name) for name in ("printed", "adjustment", "current")} == {
        "printed": [200, 120, 80], "adjustment": [-140, -60, -80], "current": [60, 60, 0],
    }  # fmt: skip
    assert [row[3] for row in cells(text(api, "f"))[-3:]] == ["p项目", "q项目", "合计"]
    assert [row[3:] for row in cells(text(api, "f", amounts="current"))[-2:]] == [
        ["q项目", "不超过2个", "60", "60"], ["合计", "", "60", "60"],
    ]  # fmt: skip


def test_a_plan_is_printed_by_its_own_annex_and_a_revision_without_one_as_the_plan_before(api):
    drafted, first = replace(plan(line()), annex=Annex("附件1")), replace(revised(line()), annex=Annex("附件2"))
    with open_ledger(api.url) as ledger:
        put(ledger, [post("fund/f", FundEstablished("专项资金", SETTINGS), "1-1"), post("fund/f", drafted, "1-2")])
        plans = [put(ledger, [post("fund/f", fact, "1-3")]) for fact in (PlanAdopted(2), first, revised(line()))]
    api.fold()
    assert [annex(api, "f", position=position)["label"] for position in plans] == ["附件1", "附件2", "附件2"]
    assert text(api, "f").startswith("附件1\n")
    assert text(api, "f", amounts="current").startswith("附件2\n")


def test_a_draft_whose_title_has_the_mark_is_not_marked_twice(api):
    titled = replace(plan(line()), title="安排计划（征求意见稿）")
    with open_ledger(api.url) as ledger:
        put(ledger, [post("fund/f", FundEstablished("专项资金", SETTINGS), "1-1"), post("fund/f", titled, "1-2")])
    api.fold()
    assert text(api, "f").startswith("安排计划（征求意见稿）\n\n附表\n")
    assert annex(api, "f")["mark"] == "征求意见稿"


@pytest.mark.parametrize("path", ["annex", "annex.txt"])
def test_a_fund_without_a_plan_has_no_annex(api, path):
    with open_ledger(api.url) as ledger:
        put(ledger, [post("fund/f", FundEstablished("专项资金", SETTINGS), "1-1")])
    api.fold()
    assert api.get(f"/v1/funds/f/{path}").status_code == 404
    assert api.get(f"/v1/funds/none/{path}").status_code == 404
