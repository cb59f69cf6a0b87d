"""An auditor's reads of the example are checked against the plan and against each other."""

import json
import re
from decimal import Decimal
from pathlib import Path
from random import Random

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.rows import dict_row

from domain.fen import FenSet
from domain.fund.funding import AllotmentWithdrawn
from domain.fund.lifecycle import FundEstablished, FundRenamed
from domain.fund.plan import PlanAdopted
from domain.state.fund import Gate
from service.postgres.snapshots import open_pool
from tests.conftest import end_sessions
from tests.lives import FUND as LIVES_FUND
from tests.lives import SETTINGS, allotted, line, plan, revised, yuan
from tests.posting import open_ledger, put
from tests.random_life import RandomLife
from tests.scenario import post

FUND = "yx-ip-2018"
SIX = ("line", "committed", "payable", "in_approval", "in_transit", "paid")


def balances(api, **params):
    response = api.get(f"/v1/funds/{FUND}/balances", query_string=params)
    assert response.status_code == 200, response.text
    return response.json


def test_both_batches_are_planned_and_allotted_in_full_before_any_correction(sample):
    answer = balances(sample, by="batch", booked_on="2019-05-31")
    assert answer["fund"] == FUND
    assert [(r["batch"], r["planned"], r["allotted"]) for r in answer["rows"]] == [
        (1, "6000000.00", "6000000.00"),
        (2, "4000000.00", "4000000.00"),
    ]
    assert answer["total"]["appropriated"] == "10000000.00"


@pytest.mark.parametrize("at", [{}, {"position": 60}, {"position": 200}, {"booked_on": "2019-12-31"}])
@pytest.mark.parametrize("by", ["batch", "project", "task", "award"])
def test_every_row_s_accounts_add_up_to_its_allotment_and_the_rows_to_the_total(sample, by, at):
    answer = balances(sample, by=by, **at)
    for row in answer["rows"]:
        assert sum(Decimal(row[account]) for account in SIX) == Decimal(row["allotted"])
    for figure in ("planned", "allotted", *SIX):
        assert sum(Decimal(r[figure]) for r in answer["rows"]) == Decimal(answer["total"][figure])


@pytest.mark.parametrize("at", [{}, {"position": 1}, {"position": 60}, {"booked_on": "2019-12-31"}])
def test_the_total_is_the_same_for_every_grouping_of_the_rows(sample, at):
    totals = [balances(sample, by=by, **at)["total"] for by in ("batch", "project", "task", "award")]
    assert totals == totals[:1] * 4
    assert set(totals[0]) == {"planned", "allotted", *SIX, "pool", "recovered", "surrendered", "appropriated"}


@pytest.mark.parametrize("at", [{}, {"position": 200}, {"booked_on": "2019-12-31"}])
def test_the_pages_of_the_balances_by_award_are_its_rows_in_the_plan_s_order(sample, at):
    whole, pages, after = balances(sample, by="award", **at), [], {}
    while after is not None:
        page = balances(sample, by="award", limit=4, **at, **after)
        pages.append(page["rows"])
        after = page["next"] and {"after": page["next"]}
    assert len(pages) > 2
    assert [row for rows in pages for row in rows] == whole["rows"]
    assert whole["next"] is None
    assert [row["project"] for row in whole["rows"]] == sorted(row["project"] for row in whole["rows"])


def test_a_batch_that_has_left_the_plan_without_money_is_not_shown(api):
    only_first = line(amounts=("60.00",), gates=(Gate.AWARD,))
    posts = (
        *allotted(line()),
        post(LIVES_FUND, AllotmentWithdrawn("p", 2, yuan("40.00")), "1-7"),
        post(LIVES_FUND, revised(only_first), "1-8"),
    )
    with open_ledger(api.url) as ledger:
        put(ledger, posts)
    api.fold()
    rows = api.get("/v1/funds/f/balances").json["rows"]
    assert [(row["batch"], row["planned"], row["allotted"]) for row in rows] == [(1, "60.00", "60.00")]


def test_readers_plan_each_query_for_the_values_that_are_given(database_url):
    """A plan for all values would not use the index of the one filter that is given."""
    pool = open_pool(database_url, 1)
    try:
        with pool.connection() as conn:
            assert conn.execute("show plan_cache_mode").fetchone() == {"plan_cache_mode": "force_custom_plan"}
    finally:
        pool.close()


def test_only_the_balances_by_award_have_pages(sample):
    for parameter in ("limit=10", "after=yx-ip-2018-01/"):
        answer = sample.get(f"/v1/funds/{FUND}/balances?by=project&{parameter}")
        assert (answer.status_code, answer.json["type"]) == (400, "/v1/problems/bad-parameter")


def test_appropriations_come_in_pages(sample):
    first = sample.get(f"/v1/funds/{FUND}/appropriations?limit=1")
    assert f"after={first.json['next']}" in first.headers["Link"]
    second = sample.get(f"/v1/funds/{FUND}/appropriations?after={first.json['next']}").json
    whole = sample.get(f"/v1/funds/{FUND}/appropriations").json["appropriations"]
    assert first.json["appropriations"] + second["appropriations"] == whole
    assert second["next"] is None


def test_balances_by_task_are_grouped_by_the_task_set_of_each_line(sample):
    rows = balances(sample, by="task", booked_on="2019-05-31")["rows"]
    assert [(r["task"], r["planned"]) for r in rows] == [
        ("二", "2500000.00"),
        ("一、三", "4800000.00"),
        ("四", "500000.00"),
        ("五", "350000.00"),
        ("六", "1600000.00"),
        ("七", "250000.00"),
    ]


def test_balances_by_award_contain_as_many_awards_as_the_plan_allows(sample):
    """10 to 19 for the nine lines of the seed, three and one for the two lines that were added."""
    awards = [r for r in balances(sample, by="award")["rows"] if r["award"]]
    assert 14 <= len(awards) <= 23
    assert all("示例" in r["applicant"] for r in awards)


def test_the_annex_equals_the_filed_annex_line_by_line(sample):
    plan = sample.get(f"/v1/funds/{FUND}/plan").json
    # The annex as the district filed it: number as printed, tasks, name, awards, total, batch 1, batch 2, in 万元.
    printed = [
        ("11", ["二"], "支持高价值专利(组合)创造及运用项目", 1, 170, 102, 68),
        ("22", ["二"], "支持越秀区重点产业导航分析", 1, 80, 48, 32),
        ("33", ["一", "三"], "支持建设越秀区知识产权综合服务中心项目", 1, 480, 288, 192),
        ("44", ["四"], "支持建设越秀区专利大数据检索分析平台项目", 1, 50, 30, 20),
        ("75", ["五"], "支持知识产权宣传项目", 1, 15, 9, 6),
        ("76", ["五"], "支持知识产权进校园项目", 1, 20, 12, 8),
        ("57", ["六"], "支持培育知识产权示范企业、优势企业或强企项目", 10, 60, 36, 24),
        ("68", ["六"], "支持重点实验室、研发中心建设项目", 2, 100, 60, 40),
        ("99", ["七"], "支持优化知识产权特色园区建设项目", 1, 25, 15, 10),
    ]
    wan = [
        (
            row["number_raw"],
            [task["code"] for task in row["tasks"]],
            row["name_annex"],
            row["awards"],
            *(int(Decimal(x) / 10_000) for x in (row["adopted"], *(b["adopted"] for b in row["batches"]))),
        )
        for row in plan["rows"]
        if row["adopted"] != "0.00"
    ]
    assert wan == printed
    added = [(row["name"], row["planned"]) for row in plan["rows"] if row["adopted"] == "0.00"]
    assert added == [("示例：知识产权奖励", "60000.00"), ("示例：知识产权公共服务站", "220000.00")]
    assert plan["rows"][2]["tasks"] == [
        {"code": "一", "name": "加强知识产权执法保护"},
        {"code": "三", "name": "打造知识产权综合服务中心"},
    ]
    assert plan["total"]["planned"] == "10280000.00"
    assert [b["planned"] for b in plan["total"]["batches"]] == ["6170000.00", "4110000.00"]


def test_a_reallocation_is_shown_next_to_the_adopted_plan(sample):
    rows = sample.get(f"/v1/funds/{FUND}/plan").json["rows"]
    changed = {row["number"]: (row["adopted"], row["planned"]) for row in rows if row["adopted"] != row["planned"]}
    assert changed == {
        1: ("1700000.00", "1780000.00"),
        6: ("200000.00", "120000.00"),
        10: ("0.00", "60000.00"),
        11: ("0.00", "220000.00"),
    }
    assert re.findall("<small>批准 (.*?)<", sample.get("/", key=None).text) == ["170", "20", "0", "0"], (
        "and on the page"
    )


def test_both_award_lists_of_project_7_award_its_fixed_total_to_the_fen(sample):
    """The second list replaces a declined award with a substitute."""
    decided = [
        event["position"]
        for event in sample.get("/v1/projects/yx-ip-2018-07/events?limit=1000").json
        if event["type"] == "AwardListDecided"
    ]
    assert len(decided) == 2
    for position in decided:
        rows = balances(sample, by="project", position=position)["rows"]
        [row] = [each for each in rows if each["project"] == "yx-ip-2018-07"]
        assert (row["allotted"], row["line"]) == ("600000.00", "0.00")


def test_every_serial_of_the_fund_has_a_trace_to_its_current_account(sample):
    random = Random(7)
    for serial in [0, 999_999_999, *(random.randrange(1_000_000_000) for _ in range(100))]:
        answer = sample.get(f"/v1/fen/{serial}").json
        assert answer["fund"] == FUND
        kinds = [step["type"] for step in answer["steps"]]
        assert kinds[0] == "FundEstablished"
        assert {"AppropriationReceived", "PlanAdopted", "FundsAllotted", "AwardListDecided"} <= set(kinds)
        last = [s for s in answer["steps"] if s.get("to")][-1]
        assert last["to"] == answer["stands"]["account"]
        assert all(s["occurred_on"] and s["position"] for s in answer["steps"])


def test_a_paid_fen_is_traced_from_the_central_document_to_the_payee(sample):
    answer = sample.get("/v1/fen/0").json
    assert answer["stands"]["account"] == "paid"
    cited = {d["kind"]: d["number"] for s in answer["steps"] for d in s["documents"]}
    assert cited["立项依据"] == "财办建设〔2018〕96号"
    assert cited["上级指标文号"] == "穗知〔2018〕99号"
    kinds = {"资金分配文", "评审意见", "公示", "纪要", "立项文号", "合同号", "支付凭证号", "流水号", "审批单"}
    assert kinds <= set(cited)
    [adopted] = [s for s in answer["steps"] if s["type"] == "PlanAdopted"]
    assert [d["number"] for d in adopted["documents"]] == ["示例纪〔2019〕1号"]
    [paid] = [s for s in answer["steps"] if s["type"] == "PaymentConfirmed"]
    assert paid["payee"] == "示例1号项目乙单位", "an objection to the first was upheld"
    assert [s["position"] for s in answer["steps"]] == sorted(s["position"] for s in answer["steps"])


PLACE = {"project", "award", "batch", "payment"}
KEYS = {
    "pool": set(),
    "surrendered": set(),
    "treasury": set(),
    "interest": set(),
    "interest_surrendered": set(),
    "recovered": {"project", "award", "batch"},
    "line": {"project", "batch"},
    "committed": {"project", "award", "batch"},
    "payable": {"project", "award", "batch"},
    "in_approval": PLACE,
    "in_transit": PLACE,
    "paid": PLACE,
}
"""The fields of the key of each account (DOMAIN, "Accounts")."""


@pytest.mark.parametrize("seed", [0, 3, 11])
def test_every_fen_stands_in_its_account_with_the_fields_of_that_account_only(api, seed):
    """Regression: a fen that had come back to the pool was shown with the project that the fen came from."""
    life = RandomLife(Random(seed))
    for _ in life.live(350):
        pass
    with open_ledger(api.url) as ledger:
        put(ledger, life.accepted)
    api.fold()
    for at, fen in ((at, fen) for state in life.aggregates() for at, fen in state.accounts.holdings.items()):
        answer = api.get(f"/v1/fen/{fen.ranges[0][0]}").json
        place = {part: value for part, value in at.place._asdict().items() if value is not None}
        assert set(place) == KEYS[at.account]
        assert answer["stands"] == {"account": at.account, **place, "since": answer["stands"]["since"]}
        assert place or answer["plan_line"] is None
        for step in (each for each in answer["steps"] if "to" in each):
            assert PLACE & set(step) == KEYS[step["from"]] | KEYS[step["to"]]


def test_no_address_of_a_fund_answers_for_a_fund_that_does_not_exist(api):
    """Regression: the interest of any name was 0.00."""
    paths = {rule.rule for rule in api.app.url_map.iter_rules() if rule.rule.startswith("/v1/funds/<code:fund>")}
    statuses = {path: api.get(path.replace("<code:fund>", "none")).status_code for path in paths}
    assert len(statuses) > 8
    assert set(statuses.values()) == {404}, statuses


def test_the_fen_traced_as_paid_add_up_to_the_paid_balance(sample):
    """The test folds the sets of fen from the movements. The balances are folded from amounts instead."""
    with psycopg.connect(sample.url) as conn:
        rows = conn.execute("select source, target, fen::text from movement order by position, seq").fetchall()
    paid = FenSet()
    for source, target, fen in rows:
        paid = paid + FenSet.parse(fen) if target == "paid" else paid
        paid = paid - FenSet.parse(fen) if source == "paid" else paid
    assert Decimal(paid.total) / 100 == Decimal(balances(sample)["total"]["paid"])
    random = Random(3)
    for lo, hi in paid.ranges:
        for serial in (lo, hi - 1, random.randrange(lo, hi)):
            assert sample.get(f"/v1/fen/{serial}").json["stands"]["account"] == "paid"


def test_a_serial_that_javascript_cannot_read_exactly_is_also_given_as_text(api):
    first = 2**60
    with psycopg.connect(api.url, autocommit=True) as conn:
        conn.execute("update serial set next = %s", [first])
    with open_ledger(api.url) as ledger:
        put(ledger, allotted(line()))
    api.fold()
    for serial in (first, first + 1, first + 9_999):
        answer = api.get(f"/v1/fen/{serial}").json
        assert (answer["serial"], answer["serial_text"]) == (serial, str(serial))
        assert int(float(first + 1)) != first + 1, "a reader that has only doubles"
    assert api.get(f"/v1/fen/{first + 10_000}").status_code == 404


@pytest.mark.parametrize("serial", ["1030307372", str(2**63 - 1), str(2**63), "9" * 40])
def test_a_serial_that_was_never_issued_is_not_found(sample, serial):
    response = sample.get(f"/v1/fen/{serial}")
    assert (response.status_code, response.content_type) == (404, "application/problem+json")


def test_balances_as_of_a_booking_date_and_of_a_position(sample):
    year_end = balances(sample, booked_on="2019-12-31")
    assert year_end["as_of"]["booked_on"] == "2019-12-31"
    assert year_end["rows"][1]["committed"] == "4000000.00"
    assert year_end["rows"][1]["paid"] == "0.00"
    assert balances(sample, booked_on="2018-12-31")["total"]["pool"] == "10000000.00"
    assert balances(sample, position=1)["total"]["appropriated"] == "0.00"
    head = balances(sample)["as_of"]["position"]
    now, then = balances(sample), balances(sample, position=head)
    assert (now["rows"], now["total"]) == (then["rows"], then["total"])


def test_the_pages_of_the_log_are_linked_and_complete(sample):
    seen, address = [], "/v1/events?after=0&limit=100"
    while address:
        page = sample.get(address)
        assert page.content_type == "application/cloudevents-batch+json"
        seen += [event["position"] for event in page.json]
        link = page.headers.get("Link")
        address = link[1 : link.index(">")] if link else None
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) > 350


def test_one_event_is_read_by_its_position_and_a_project_by_its_stream(sample):
    event = sample.get("/v1/events/2").json
    assert event["type"] == "AppropriationReceived"
    assert event["data"]["amount"] == "10000000.00"
    assert event["data"]["moves"][0] == {
        "from": "treasury",
        "to": "pool",
        "fen": "{[0,1000000000)}",
        "amount": "10000000.00",
    }
    stream = sample.get("/v1/projects/yx-ip-2018-07/events?limit=3").json
    assert [e["streamversion"] for e in stream] == [1, 2, 3]
    assert stream[1]["type"] == "AllotmentReceived"
    assert stream[1]["data"]["mirrors"]["stream"] == "fund/yx-ip-2018"


def test_funds_and_projects_are_listed_and_described(sample):
    [fund] = sample.get("/v1/funds").json["funds"]
    assert (fund["fund"], fund["appropriated"], fund["projects"]) == (FUND, "10300000.00", 11)
    assert sample.get(f"/v1/funds/{FUND}").json["planned"] == "10280000.00"
    projects = sample.get(f"/v1/projects?fund={FUND}").json["projects"]
    assert [p["number"] for p in projects] == list(range(1, 12))
    assert {p["status"] for p in projects} == {"open", "closed"}
    one = sample.get("/v1/projects/yx-ip-2018-08").json
    assert [b["planned"] for b in one["batches"]] == ["600000.00", "400000.00"]
    assert len(one["award_list"]) == 2


def test_the_example_contains_failures_and_corrections(sample):
    with psycopg.connect(sample.url) as conn:
        statuses = {row[0] for row in conn.execute("select status from payment")}
        types = {row[0] for row in conn.execute("select type from event")}
    assert {"confirmed", "rejected", "failed", "returned", "requested", "instructed"} <= statuses
    assert {
        "AcceptanceFailed", "RectificationOrdered", "AwardTerminated", "RecoveryReceived", "FundsReallocated",
        "SurplusSurrendered", "AwardDeclined", "AllotmentWithdrawn", "ProjectClosed",
    } <= types  # fmt: skip


def test_the_failures_of_the_example_are_corrected(sample):
    """The failures: an upheld objection, a declined award, both kinds of return, a failed acceptance, a recovery."""
    with psycopg.connect(sample.url, row_factory=dict_row) as conn:

        def rows_of(query):
            return conn.execute(query).fetchall()

        upheld = rows_of("select application from objection where status = 'upheld' and application is not null")
        assert upheld
        for each in upheld:
            [row] = rows_of(f"select status from application where application = '{each['application']}'")
            assert row["status"] == "excluded"
        declined = rows_of("select project, decided_on from award where status = 'declined'")
        assert declined
        for each in declined:
            later = f"select from award where project = '{each['project']}' and decided_on > '{each['decided_on']}'"
            assert rows_of(later), "a substitute was awarded"
        returned = rows_of("select source, target, count(*) from movement where type = 'PaymentReturned' group by 1, 2")
        assert {(row["source"], row["target"]) for row in returned} == {("paid", "payable"), ("paid", "recovered")}
        tries = rows_of(
            "select fact ->> 'award' from event where type = 'AcceptanceRequested' group by 1 having count(*) > 1"
        )
        assert tries
        recoveries = rows_of("select amount, received from recovery order by amount - received")
        assert [each["amount"] - each["received"] for each in recoveries] == [0, 30_000_00]
        assert all(each["received"] for each in recoveries)
    total = {name: Decimal(each) for name, each in sample.get(f"/v1/funds/{FUND}/balances").json["total"].items()}
    assert total["appropriated"] == total["pool"] + total["recovered"] + total["surrendered"] + total["allotted"]
    accounts = ("line", "committed", "payable", "in_approval", "in_transit", "paid")
    assert total["allotted"] == sum(total[name] for name in accounts)


def test_the_log_contains_no_account_number(sample):
    with psycopg.connect(sample.url) as conn:
        occurrences = conn.execute("select count(*) from event where fact::text ~ '62000000[0-9]{8}'").fetchone()
        payees = conn.execute("select fact -> 'payee' -> 'account' from event where type = 'PaymentRequested'")
        accounts = [row[0] for row in payees]
    assert occurrences == (0,)
    assert all(set(each) == {"last4", "digest"} and len(each["last4"]) == 4 for each in accounts)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/funds/nobody",
        "/v1/funds/nobody/balances",
        "/v1/funds/nobody/plan",
        "/v1/projects/nobody",
        "/v1/projects/nobody/events",
        "/v1/events/999999",
        "/v1/nothing",
        "/v1/funds//balances",
    ],
)
def test_an_unknown_resource_is_answered_with_a_problem_document(sample, path):
    response = sample.get(path)
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"
    assert response.json["title_zh"]


@pytest.mark.parametrize(
    "query",
    ["by=colour", "by=batch&by=task", "position=-1", "position=１", "booked_on=2019-13-01", "bye=1", "min_position=x"],
)
def test_a_wrong_query_parameter_is_named_in_the_problem(sample, query):
    response = sample.get(f"/v1/funds/{FUND}/balances?{query}")
    assert response.status_code == 400
    assert response.json["parameter"] == query.partition("=")[0]


def test_the_example_plan_equals_the_seed(sample):
    """Names, tasks and awards are compared with seed.json, which was transcribed from the original document."""
    seed = json.loads((Path(__file__).parent / "seed.json").read_text(encoding="utf-8"))
    rows = sample.get(f"/v1/funds/{FUND}/plan").json["rows"]
    rows = [row for row in rows if row["adopted"] != "0.00"]
    assert [(r["name"], r["name_annex"], r["number_raw"]) for r in rows] == [
        (p["name_zh"], p["name_annex_zh"], p["annex_no_raw"]) for p in seed["projects"]
    ]
    assert [[t["code"] for t in r["tasks"]] for r in rows] == [p["tasks"] for p in seed["projects"]]
    names = {t["code"]: t["name"] for r in rows for t in r["tasks"]}
    assert names == seed["tasks"]
    assert [r["awards"] for r in rows] == [p["awards"]["n"] for p in seed["projects"]]


def test_no_read_fails_when_the_database_has_ended_every_session(api):
    assert api.get("/v1/funds").status_code == 200
    for _ in range(3):
        end_sessions(api.url)
        assert [api.get("/v1/funds", key).status_code for key in ("auditor", "treasury", "all")] == [200] * 3


@pytest.mark.parametrize(
    "path", ["/v1/fen/٣", "/v1/fen/３", "/v1/events/١", "/v1/checks/１", "/v1/fen/+3", "/v1/fen/3.0"]
)
def test_a_number_in_an_address_has_ascii_digits_only(sample, path):
    assert sample.get(path).status_code == 404
    assert sample.get("/v1/fen/3").status_code == 200


def drafted(title, *lines):
    return post("fund/f", replace(plan(*lines), title=title), "1-2")


def test_a_plan_that_is_only_drafted_is_shown_as_a_draft_until_it_is_adopted(api):
    def shown():
        api.fold()
        return api.get("/v1/funds/f/plan").json

    with open_ledger(api.url) as ledger:
        put(ledger, [post("fund/f", FundEstablished("专项资金", SETTINGS), "1-1")])
        assert (shown()["status"], shown()["title"], shown()["position"], shown()["rows"]) == ("none", None, None, [])
        put(ledger, [drafted("初稿", line())])
        put(ledger, [drafted("征求意见稿", line(), line("q", 2))])
        draft = shown()
        assert (draft["status"], draft["title"], draft["position"]) == ("draft", "征求意见稿", 3)
        page = api.get("/", key=None).text
        assert "征求意见稿：本计划尚未批准" in page
        assert "<small>f · " in page
        assert [api.get("/v1/funds/f").json[f"{name}_position"] for name in ("draft", "plan")] == [3, None]
        put(ledger, [post("fund/f", PlanAdopted(3), "1-4")])
        adopted = shown()
        put(ledger, [post("fund/f", revised(line(), line("q", 2)), "1-5")])
    assert (adopted["status"], adopted["position"]) == ("adopted", 4)
    assert (shown()["status"], shown()["position"]) == ("revised", 5)
    assert "尚未批准" not in api.get("/", key=None).text
    planned = ("planned", "adopted")
    for one, other in ((draft, adopted), *zip(draft["rows"], adopted["rows"], strict=True)):
        assert without(one, *planned) == without(other, *planned)
    assert [row["planned"] for row in draft["rows"]] == [row["adopted"] for row in adopted["rows"]]
    assert {row["adopted"] for row in draft["rows"]} == {"0.00"}
    assert [row["planned"] for row in draft["total"]["batches"]] == ["120.00", "80.00"]


def without(members, *names):
    """The members of a plan or its line that are the same for its draft: neither what came later nor these names."""
    later = {*names, "status", "position", "as_of", "rows", "total", "batches"}
    return {name: value for name, value in members.items() if name not in later}


def test_the_rows_of_a_draft_have_the_members_of_the_rows_of_a_plan(api, sample):
    with open_ledger(api.url) as ledger:
        put(ledger, [post("fund/f", FundEstablished("专项资金", SETTINGS), "1-1"), drafted("草案", line())])
    api.fold()
    draft, adopted = api.get("/v1/funds/f/plan").json, sample.get(f"/v1/funds/{FUND}/plan").json
    for path in ((), ("rows", 0), ("rows", 0, "batches", 0), ("total",), ("total", "batches", 0)):
        one, other = draft, adopted
        for step in path:
            one, other = one[step], other[step]
        assert one.keys() == other.keys(), path


def test_a_renamed_fund_is_listed_under_its_new_name(api):
    with open_ledger(api.url) as ledger:
        put(ledger, [post("fund/f", FundEstablished("旧名称", SETTINGS), "1-1")])
        put(ledger, [post("fund/f", FundRenamed("新名称", "New"), "1-2")])
    api.fold()
    [fund] = api.get("/v1/funds").json["funds"]
    assert (fund["fund"], fund["name"], fund["name_en"]) == ("f", "新名称", "New")
