"""What auditors read of a fund: its applications, awards with their amounts, recoveries and months."""

from decimal import Decimal
from urllib.parse import quote

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.rows import dict_row

from domain.fund.funding import FundsReinstated
from domain.project.amendment import AwardAmended, AwardDeclined
from domain.project.award import AwardListDecided
from domain.project.call import ApplicationWithdrawn
from domain.project.lifecycle import ProjectClosed
from domain.project.payment import PaymentReturned
from domain.project.recovery import RecoveryOrdered, RecoveryReceived, RecoveryWaived
from service.auth import api_keys
from service.auth.grants import grant
from tests.lives import (
    FUND,
    PROJECT,
    TWO_ROWS,
    allotted,
    award_list,
    called,
    founded,
    line,
    noticed,
    paid,
    revised,
    row,
    yuan,
)
from tests.posting import open_ledger, put
from tests.scenario import Scenario, day, post
from tests.service.conftest import SECRET

MILLION = line(amounts=("1500000.00", "500000.00"))
AMOUNTS = ("applied", "shown", "decided", "amended", "paid", "recovered", "returned", "recovery_received", "awarded")


class Books:
    """The service after posts of the domain tests; every read is of what was posted."""

    def __init__(self, api, *posts):
        self.api, self.scenario = api, Scenario()
        self.add(*posts)

    def add(self, *posts):
        with open_ledger(self.api.url) as ledger:
            self.last = put(ledger, posts)
        self.scenario = self.scenario.given(*posts)
        return self

    def undo(self, entry, on, amount=None):
        return self.add(self.scenario.reversing(entry, on, amount))

    def get(self, path, key="auditor"):
        self.api.fold()
        answer = self.api.get(path, key)
        assert answer.status_code == 200, answer.text
        return answer.json

    def award(self, name="L-a"):
        [found] = [each for each in self.get("/v1/awards?fund=f")["awards"] if each["award"] == name]
        return found

    def amounts(self, name="L-a"):
        found = self.award(name)
        return {each: found[each] for each in AMOUNTS if found[each] not in (None, "0.00")}


def key(api, **limits):
    with psycopg.connect(api.url, autocommit=True, row_factory=dict_row) as conn:
        return api_keys.create(conn, SECRET, f"limited-{len(limits)}-{'-'.join(limits)}", grant(["read"], **limits))


def of_a_million(first="600000.00", second="400000.00"):
    """The posts of an award of 1 000 000 yuan, which the public was shown, and of its first payment."""
    applied = tuple(
        replace(each, fact=replace(each.fact, amount=yuan("1200000.00"), title="示例项目", place="示例区"))
        if getattr(each.fact, "application", "") == "A-a" and hasattr(each.fact, "applicant")
        else each
        for each in noticed("a")
    )
    shown = tuple(
        replace(
            each, fact=replace(each.fact, applications=(replace(each.fact.applications[0], amount=yuan("1000000.00")),))
        )
        if hasattr(each.fact, "applications")
        else each
        for each in applied
    )
    before = (*allotted(MILLION, appropriated="2000000.00"), *shown)
    listed = award_list(Scenario().given(*before), row("a", first, second))
    return (*before, post(PROJECT, listed, "3-1"))


def recovering(amount, received, on="4-1"):
    return (
        post(PROJECT, RecoveryOrdered("R1", "P1", yuan(amount), day("5-1"), "多付"), on),
        post(PROJECT, RecoveryReceived("R1", yuan(received)), "4-2"),
    )


# Awards ----------------------------------------------------------------------


def test_a_recovered_award_still_shows_what_was_applied_for_shown_and_decided(api):
    books = Books(api, *of_a_million(), *paid(amount="600000.00"))
    decided = {"applied": "1200000.00", "shown": "1000000.00", "decided": "1000000.00"}
    assert books.amounts() == {**decided, "awarded": "1000000.00", "paid": "600000.00"}
    books.add(*recovering("600000.00", "600000.00"))
    recovered = {"recovered": "600000.00", "recovery_received": "600000.00", "awarded": "400000.00"}
    assert books.amounts() == {**decided, **recovered}
    books.add(post(FUND, FundsReinstated(project="p", batch=1, award="L-a", amount=yuan("600000.00")), "4-3"))
    assert books.amounts() == {**decided, "recovery_received": "600000.00", "awarded": "400000.00"}


def test_what_the_list_decided_does_not_change_by_amendment_return_or_decline(api):
    books = Books(api, *of_a_million())
    books.add(post(PROJECT, AwardAmended("L-a", 2, increase=False, amount=yuan("50000.00"), reason="核减"), "3-2"))
    amended = {"applied": "1200000.00", "shown": "1000000.00", "decided": "1000000.00", "amended": "-50000.00"}
    assert books.amounts() == {**amended, "awarded": "950000.00"}
    books.undo(AwardAmended, "3-3", yuan("20000.00"))
    amended["amended"] = "-30000.00"
    assert books.amounts() == {**amended, "awarded": "970000.00"}
    books.add(*paid(amount="600000.00", month="4"))
    books.add(post(PROJECT, PaymentReturned("P1", yuan("600000.00"), passive=True, reason="退票"), "4-6"))
    assert books.amounts() == {**amended, "awarded": "970000.00", "returned": "600000.00"}
    books.undo(PaymentReturned, "4-7", yuan("100000.00"))
    assert books.award()["returned"] == "500000.00"
    books.undo(PaymentReturned, "4-8")
    assert (books.award()["returned"], books.award()["paid"]) == ("0.00", "600000.00")


def test_a_declined_award_keeps_what_was_decided(api):
    books = Books(api, *of_a_million(), post(PROJECT, AwardDeclined("L-a", "放弃"), "3-2"))
    found = books.award()
    assert (found["status"], found["decided"], found["awarded"]) == ("declined", "1000000.00", "0.00")


def test_a_reversed_list_decided_nothing_until_it_is_decided_again(api):
    books = Books(api, *of_a_million()).undo(AwardListDecided, "3-2")
    found = books.award()
    assert (found["status"], found["decided"], found["awarded"]) == ("reversed", "0.00", "0.00")
    [application] = books.get("/v1/applications?fund=f")["applications"]
    assert (application["status"], application["award"]) == ("live", None)
    books.add(post(PROJECT, award_list(books.scenario, row("a", "600000.00", "100000.00")), "3-3"))
    found = books.award()
    assert (found["status"], found["decided"], found["awarded"]) == ("live", "700000.00", "700000.00")
    [application] = books.get("/v1/applications?fund=f")["applications"]
    assert (application["status"], application["award"]) == ("awarded", "L-a")


@pytest.mark.parametrize("payee", ["示例a", "示例Ａ", "示例 a"])
def test_awards_and_payments_are_found_by_the_payee_s_name_as_the_ledger_compares_names(api, payee):
    before = (*allotted(line()), *noticed())
    books = Books(api, *before, post(PROJECT, award_list(Scenario().given(*before), *TWO_ROWS), "3-1"), *paid())
    assert [each["award"] for each in books.get(f"/v1/awards?payee={quote(payee)}")["awards"]] == ["L-a"]
    assert [each["payment"] for each in books.get(f"/v1/payments?payee={quote(payee)}")["payments"]] == ["P1"]
    assert books.get("/v1/awards?payee=示例z")["awards"] == []


def test_awards_and_payments_are_found_by_the_payee_s_code(sample):
    rows = sample.get("/v1/payments?limit=1000").json["payments"]
    code = next(each["payee_uscc"] for each in rows if each["payee_uscc"])
    found = sample.get(f"/v1/payments?limit=1000&payee={code}").json["payments"]
    assert found == [each for each in rows if each["payee_uscc"] == code]
    awards = sample.get(f"/v1/awards?payee={code}").json["awards"]
    assert {each["payee_uscc"] for each in awards} == {code}
    assert sample.get(f"/v1/awards?payee={code[:-1]}").json["awards"] == []


# Applications ----------------------------------------------------------------


def test_every_application_is_listed_with_what_it_applied_for_and_what_became_of_it(api):
    books = Books(api, *of_a_million())
    [found] = books.get("/v1/applications?fund=f")["applications"]
    shown = {name: found[name] for name in ("application", "project", "round", "received_on", "applicant", "uscc")}
    assert shown == {
        "application": "A-a", "project": "p", "round": 1, "received_on": "2019-02-05", "applicant": "示例a",
        "uscc": "9a",
    }  # fmt: skip
    shown = {name: found[name] for name in ("amount", "title", "place", "shown", "score", "screening", "award")}
    assert shown == {
        "amount": "1200000.00", "title": "示例项目", "place": "示例区", "shown": "1000000.00", "score": "90",
        "screening": "passed", "award": "L-a",
    }  # fmt: skip
    assert found["number"].startswith("第")


def test_applications_that_were_not_awarded_are_listed_too(api):
    books = Books(
        api, *allotted(line()), *called("a", "b"), post(PROJECT, ApplicationWithdrawn("A-b", "不再申报"), "2-6")
    )
    rows = books.get("/v1/applications?project=p")["applications"]
    assert [(each["application"], each["status"], each["withdrawn"]) for each in rows] == [
        ("A-a", "live", False), ("A-b", "withdrawn", True),
    ]  # fmt: skip
    assert {each["screening"] for each in rows} == {"pending"}
    assert {each["amount"] for each in rows} == {None}
    assert [each["application"] for each in books.get("/v1/applications?status=live")["applications"]] == ["A-a"]
    assert books.get("/v1/applications?uscc=91440104MA00000014")["applications"] == []
    page = books.get("/v1/applications?limit=1")
    assert [each["application"] for each in page["applications"]] == ["A-a"]
    rest = books.get(f"/v1/applications?limit=1&after={page['next']}")
    assert [each["application"] for each in rest["applications"]] == ["A-b"]


def test_a_key_of_one_project_reads_the_registers_of_this_project_only(api):
    books = Books(api, *allotted(line(), line("q", 2), appropriated="200.00"), *called("a"))
    of_p, of_q = key(api, projects=["p"]), key(api, funds=["g"])
    assert len(books.get("/v1/applications?project=p", of_p)["applications"]) == 1
    assert books.get("/v1/funds/f/recoveries?project=p", of_p)["recoveries"] == []
    for path in ("/v1/applications", "/v1/applications?fund=f", "/v1/applications?project=q", "/v1/funds/f/recoveries"):
        assert api.get(path, of_p).status_code == 403, path
        assert api.get(path, of_q).status_code == 403, path
    assert api.get("/v1/applications?project=p", of_q).status_code == 403
    assert api.get("/v1/funds/f/balances?by=month", of_p).status_code == 403


def test_the_registers_of_an_empty_fund_are_empty(api):
    books = Books(api, *founded(line())[:1])
    assert books.get("/v1/applications?fund=f")["applications"] == []
    assert books.get("/v1/funds/f/recoveries")["recoveries"] == []
    assert books.get("/v1/funds/f/balances?by=month")["rows"] == []
    assert api.get("/v1/funds/none/recoveries").status_code == 404


# Recoveries ------------------------------------------------------------------


def test_the_recoveries_of_a_fund_show_what_is_outstanding(api):
    books = Books(api, *of_a_million(), *paid(amount="600000.00"), *recovering("500000.00", "200000.00"))
    books.add(post(PROJECT, RecoveryWaived("R1", yuan("100000.00"), "困难"), "4-3", actor="局长", key="waiver-board"))
    [found] = books.get("/v1/funds/f/recoveries")["recoveries"]
    shown = {
        name: found[name] for name in ("recovery", "project", "payment", "award", "batch", "due_on", "reason", "payee")
    }
    assert shown == {
        "recovery": "R1", "project": "p", "payment": "P1", "award": "L-a", "batch": 1, "due_on": "2019-05-01",
        "reason": "多付", "payee": "示例a",
    }  # fmt: skip
    amounts = {name: found[name] for name in ("amount", "received", "waived", "lapsed", "outstanding")}
    assert amounts == {
        "amount": "500000.00", "received": "200000.00", "waived": "100000.00", "lapsed": "0.00",
        "outstanding": "200000.00",
    }  # fmt: skip
    assert books.get("/v1/projects/p")["recoveries"] == [found]
    books.undo(RecoveryReceived, "4-4")
    [found] = books.get("/v1/funds/f/recoveries")["recoveries"]
    assert (found["received"], found["outstanding"]) == ("0.00", "400000.00")


def test_recoveries_come_in_pages_and_also_after_the_project_is_closed(api):
    books = Books(api, *of_a_million("600000.00", "0.01"), *paid(amount="600000.00"))
    books.add(
        post(PROJECT, AwardAmended("L-a", 2, increase=False, amount=yuan("0.01"), reason="核减"), "3-6"),
        post(PROJECT, ProjectClosed(), "3-7"),
        *(post(PROJECT, RecoveryOrdered(f"R{n}", "P1", yuan("1.00"), day("5-1"), "多付"), "4-1") for n in range(1, 4)),
    )
    first = books.get("/v1/funds/f/recoveries?limit=2")
    rest = books.get(f"/v1/funds/f/recoveries?limit=2&after={first['next']}")
    assert [each["recovery"] for each in first["recoveries"] + rest["recoveries"]] == ["R1", "R2", "R3"]
    assert rest["next"] is None


# Months ----------------------------------------------------------------------

FIGURES = ("planned", "allotted", "line", "committed", "payable", "in_approval", "in_transit", "paid")
OF_FUND = ("pool", "recovered", "surrendered", "appropriated")


def test_the_months_show_what_was_awarded_paid_and_came_back(api):
    books = Books(api, *of_a_million(), *paid(amount="600000.00"), *recovering("600000.00", "400000.00"))
    books.add(post(PROJECT, PaymentReturned("P1", yuan("100000.00"), passive=False, reason="退款"), "5-2"))
    months = {each["month"]: each for each in books.get("/v1/funds/f/balances?by=month")["rows"]}
    assert list(months) == ["2019-01", "2019-03", "2019-04", "2019-05"]
    assert {name: months["2019-01"][name] for name in ("appropriated", "planned", "allotted", "awarded")} == {
        "appropriated": "2000000.00", "planned": "2000000.00", "allotted": "2000000.00", "awarded": "0.00",
    }  # fmt: skip
    shown = ("awarded", "confirmed", "returned", "recovery_received", "paid", "paid_to_date")
    assert [[each[name] for name in shown] for each in months.values()][1:] == [
        ["1000000.00", "600000.00", "0.00", "0.00", "600000.00", "600000.00"],
        ["0.00", "0.00", "0.00", "400000.00", "-400000.00", "200000.00"],
        ["0.00", "0.00", "100000.00", "0.00", "-100000.00", "100000.00"],
    ]
    until_april = books.get("/v1/funds/f/balances?by=month&booked_on=2019-04-01")["rows"]
    assert [each["month"] for each in until_april] == ["2019-01", "2019-03"]
    before = books.get("/v1/funds/f/balances?by=month&position=2")["rows"]
    assert [(each["month"], each["appropriated"]) for each in before] == [("2019-01", "2000000.00")]


@pytest.mark.parametrize("at", [{}, {"position": 60}, {"position": 200}, {"booked_on": "2019-12-15"}])
def test_the_months_add_up_to_the_balances(sample, at):
    answer = sample.get("/v1/funds/yx-ip-2018/balances", query_string={"by": "month", **at}).json
    for name in (*FIGURES, *OF_FUND):
        assert sum(Decimal(each[name]) for each in answer["rows"]) == Decimal(answer["total"][name]), name
    for each in answer["rows"]:
        assert Decimal(each["paid"]) == Decimal(each["confirmed"]) - Decimal(each["returned"]) - Decimal(
            each["recovery_received"]
        )
    if answer["rows"]:
        assert answer["rows"][-1]["paid_to_date"] == answer["total"]["paid"]


def test_the_months_of_the_example_confirm_and_return_what_its_payments_say(sample):
    rows = sample.get("/v1/funds/yx-ip-2018/balances?by=month").json["rows"]
    payments = [each for each in sample.get("/v1/payments?limit=1000").json["payments"] if each["booked_on"]]
    for month, payment in (("confirmed", "amount"), ("returned", "returned"), ("recovery_received", "recovered")):
        expected = sum(Decimal(each[payment]) for each in payments)
        assert expected
        assert sum(Decimal(each[month]) for each in rows) == expected


def test_the_registers_of_the_example_agree_with_its_events(sample):
    awards = sample.get("/v1/awards?limit=1000").json["awards"]
    lists = [
        each
        for event in sample.get("/v1/events?limit=1000&type=AwardListDecided").json
        for each in event["data"]["awards"]
    ]
    decided = {each["award"]: sum(Decimal(share["amount"]) for share in each["amounts"]) for each in lists}
    assert {each["award"]: Decimal(each["decided"]) for each in awards} == decided
    applications = sample.get("/v1/applications?limit=1000").json["applications"]
    received = sample.get("/v1/events?limit=1000&type=ApplicationReceived,NoticeStarted").json
    named = [
        each["application"]
        for event in received
        for each in event["data"].get("entries", [event["data"]])
        if "application" in each
    ]
    assert [each["application"] for each in applications] == named
    by_award = {each["award"]: each["application"] for each in applications if each["award"]}
    assert by_award == {each["award"]: each["application"] for each in awards}
    assert all(each["shown"] for each in awards)


# The plan as of a time -------------------------------------------------------


def test_the_plan_of_a_day_has_the_names_and_amounts_that_were_in_force(api):
    books = Books(api, *founded(line()))
    renamed = replace(line(amounts=("20.00", "80.00")), name="新名称")
    books.add(post(FUND, revised(renamed), "2-1"))
    now, then = (books.get(f"/v1/funds/f/plan{query}") for query in ("", "?booked_on=2019-01-31"))
    assert [each["name"] for each in now["rows"]] == ["新名称"]
    assert [(each["name"], [b["planned"] for b in each["batches"]]) for each in then["rows"]] == [
        (line().name, ["60.00", "40.00"])
    ]
    assert then["as_of"] == {"position": books.last, "booked_on": "2019-01-31"}
    assert books.get("/v1/funds/f/plan?position=2")["rows"] == []
    assert books.get("/v1/funds/f/plan?position=2")["title"] is None
    assert api.get(f"/v1/funds/f/plan?position={books.last + 1}").status_code == 404


@pytest.mark.parametrize("at", [{"position": 60}, {"position": 200}, {"booked_on": "2019-12-31"}])
def test_the_plan_of_a_time_agrees_with_the_balances_of_that_time(sample, at):
    plan = sample.get("/v1/funds/yx-ip-2018/plan", query_string=at).json
    total = sample.get("/v1/funds/yx-ip-2018/balances", query_string=at).json["total"]
    assert {name: plan["total"][name] for name in ("planned", "allotted", "paid")} == {
        name: total[name] for name in ("planned", "allotted", "paid")
    }
    assert sum(Decimal(each["paid"]) for each in plan["rows"]) == Decimal(total["paid"])


# Awards as of a time ---------------------------------------------------------


def test_the_register_of_a_day_shows_what_was_decided_and_paid_until_then(api):
    books = Books(api, *of_a_million(), *paid(amount="600000.00"))
    at_march = books.last
    books.add(*recovering("600000.00", "600000.00"))

    def amounts(query):
        [found] = books.get(f"/v1/awards?fund=f&{query}")["awards"]
        return found["decided"], found["paid"], found["recovered"]

    assert amounts("booked_on=2019-03-31") == amounts(f"position={at_march}") == ("1000000.00", "600000.00", "0.00")
    assert amounts("booked_on=2019-04-30") == amounts("limit=1") == ("1000000.00", "0.00", "600000.00")
    assert books.get("/v1/awards?fund=f&booked_on=2019-02-28")["awards"] == []
    answer = books.get(f"/v1/awards?fund=f&booked_on=2019-03-31&position={at_march}")
    assert answer["as_of"] == {"position": at_march, "booked_on": "2019-03-31"}
    assert api.get(f"/v1/awards?position={books.last + 1}").status_code == 404


@pytest.mark.parametrize("query", ["", "&status=declined", "&acceptance=passed", "&project=yx-ip-2018-07"])
def test_the_register_at_the_last_position_is_that_of_now(sample, query):
    now = sample.get(f"/v1/awards?limit=1000{query}").json
    last = now["as_of"]["position"]
    then = sample.get(f"/v1/awards?limit=1000{query}&position={last}").json
    assert then == now
    assert now["awards"]


def test_awards_of_a_past_time_are_filtered_by_what_they_were_then(sample):
    declined = sample.get("/v1/awards?status=declined").json["awards"][0]
    before = f"/v1/awards?project={declined['project']}&position={declined['events'][-1] - 1}"
    assert declined["award"] in [each["award"] for each in sample.get(f"{before}&status=live").json["awards"]]
    assert sample.get(f"{before}&status=declined").json["awards"] == []
