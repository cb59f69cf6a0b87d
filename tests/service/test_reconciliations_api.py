"""Reconciliation over HTTP: a statement compared with the ledger, its exceptions, and its acceptance."""

import json
from hashlib import sha256

import psycopg
import pytest
from psycopg.rows import dict_row

from service.auth import api_keys
from service.auth.grants import grant
from service.check import check
from service.example import FUND, STATEMENT
from service.statements import read, sandbox
from service.statements.comparison import TOLERANCE_DAYS
from tests.service.conftest import SECRET
from tests.service.statement_files import as_camt, as_csv, as_xlsx
from tests.service.test_contract import check as check_contract

FILE = STATEMENT.read_bytes()
KINDS = ("statement_only", "ledger_only", "duplicate", "amount_differs", "payee_differs", "date_differs")


def send(api, content=FILE, key="auditor", kind="text/csv", fund=FUND, *, path="/v1/reconciliations", **params):
    query = {"fund": fund, **params}
    return api.client.post(path, data=content, content_type=kind, headers=api.headers(key), query_string=query)


def without_a_line():
    """The example's statement without one of its lines, so that the next balance does not follow."""
    rows = FILE.splitlines(keepends=True)
    return b"".join([*rows[:4], *rows[5:]])


@pytest.fixture(scope="module")
def comparison(sample):
    answer = send(sample)
    assert answer.status_code == 200
    return answer.json


def of_kind(comparison, kind):
    return [each for each in comparison["exceptions"] if each["kind"] == kind]


def test_the_answer_matches_the_contract(sample):
    contract = sample.get("/openapi.json", key=None).json
    check_contract(contract, contract["paths"]["/v1/reconciliations"]["post"], send(sample))


def test_the_example_has_every_kind_of_exception_in_order_of_severity(comparison):
    kinds = [each["kind"] for each in comparison["exceptions"]]
    assert set(kinds) == set(KINDS)
    assert kinds == sorted(kinds, key=KINDS.index)
    assert next(iter(comparison)) != "acceptance"
    assert comparison["summary"]["exceptions"] == {"contradiction": 0, **{kind: kinds.count(kind) for kind in KINDS}}


def test_the_exceptions_explain_the_whole_difference_between_statement_and_ledger(comparison):
    """For each direction, the statement's total less the ledger's total is the sum of the differences (余额调节)."""
    summary = comparison["summary"]
    for total, direction in (("paid_out", "out"), ("received", "in")):
        of_exceptions = sum(
            fen(each["difference"]) for each in comparison["exceptions"]
            if {one["direction"] for one in (*each["lines"], *each["entries"])} == {direction}
        )  # fmt: skip
        assert fen(summary["statement"][total]) - fen(summary["ledger"][total]) == of_exceptions


def fen(yuan):
    return int(yuan.replace(".", ""))


def test_a_line_of_a_payment_in_transit_names_the_payment_to_be_confirmed(comparison):
    [in_transit] = [each for each in comparison["exceptions"] if each["pending"]]
    assert in_transit["pending"]["payment"] == "yx-ip-2018-08-L02-B1-1"
    assert "yx-ip-2018-08-L02-B1-1" in in_transit["sentence"]
    assert "支付确认" in in_transit["sentence_zh"]
    assert in_transit["lines"][0]["row"] == "row 11"


def test_a_duplicate_names_the_line_that_it_repeats(comparison):
    [duplicate] = of_kind(comparison, "duplicate")
    assert duplicate["repeats_line"] == 12
    assert duplicate["lines"][0]["number"] == 13


def test_an_exception_contains_the_values_of_both_sides(comparison):
    [amount], [payee], [day] = (of_kind(comparison, kind) for kind in KINDS[3:])
    assert amount["difference"] == "-45.00"
    assert "56927.00" in amount["sentence"]
    assert "56972.00" in amount["sentence_zh"]
    assert "示例8号项目丙单位 …0002" in payee["sentence"]
    assert "示例8号项目甲单位 …0000" in payee["sentence_zh"]
    assert "2019-09-12" in day["sentence"]
    assert "2019-09-01" in day["sentence_zh"]


def test_lines_and_entries_are_matched_one_to_many_and_many_to_one(comparison):
    shapes = {(len(each["lines"]), len(each["entries"])) for each in comparison["acceptance"]["matches"]}
    assert shapes == {(1, 1), (1, 6), (2, 1)}
    assert all(each["reasons"] and 0 < each["confidence"] <= 100 for each in comparison["acceptance"]["matches"])


def test_the_answer_contains_no_account_number(comparison):
    text = json.dumps(comparison, ensure_ascii=False)
    assert "6200000000" not in text
    assert "digest" not in text


def test_the_same_file_again_gives_the_same_result(sample):
    first, second = send(sample), send(sample)
    assert first.data == second.data
    assert sha256(FILE).hexdigest() == first.json["statement"]["file_sha256"]


def test_a_statement_is_compared_with_the_ledger_as_of_a_position(sample, comparison):
    before = send(sample, position=1).json
    assert before["as_of"] == {"position": 1}
    assert before["summary"]["entries"] == 0
    assert send(sample, position=comparison["as_of"]["position"]).json == comparison
    later = comparison["as_of"]["position"] + 1
    assert send(sample, position=later).status_code == 404


def test_reversed_entries_are_not_compared(sample, comparison):
    """The example reverses a wrong confirmation of a payment, so only the later confirmation counts."""
    entries = [entry for each in comparison["acceptance"]["matches"] for entry in each["entries"]]
    assert len({(entry["stream"], entry["version"]) for entry in entries}) == len(entries)
    assert comparison["summary"]["ledger"]["received"] == "305327.60"


@pytest.mark.parametrize("form", ["xlsx", "camt.053", "csv"])
def test_the_result_is_the_same_for_every_file_format(sample, form):
    lines = statement_lines()
    content, kind = {
        "csv": (as_csv(lines), "text/csv"),
        "xlsx": (as_xlsx(lines), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        "camt.053": (as_camt(lines), "application/xml"),
    }[form]
    answer = send(sample, content, kind=kind).json
    assert answer["statement"]["form"] == form
    assert answer["summary"] == send(sample).json["summary"]


def statement_lines():
    """The lines of the example's statement, with unmasked account numbers."""
    return read(FILE, {}, lambda number: number).lines


def test_dates_may_differ_by_the_tolerance_in_days(sample):
    """The date of one line is one day after that of its entry. The date of another line is eleven days after."""
    kinds = {days: [each["differs"] for each in send(sample, tolerance=days).json["exceptions"]] for days in (0, 3, 11)}
    assert [sum("date_differs" in each for each in kinds[days]) for days in (0, 3, 11)] == [2, 1, 0]
    assert kinds[TOLERANCE_DAYS] == [each["differs"] for each in send(sample).json["exceptions"]]


def test_an_unreadable_file_is_answered_with_the_cells_of_its_errors(sample):
    answer = send(sample, "日期,支出\n昨天,一元\n".encode())
    assert answer.status_code == 422
    assert answer.json["type"] == "/v1/problems/statement-wrong"
    assert [each["pointer"] for each in answer.json["errors"]] == ["row 2, column A", "row 2, column B"]


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"fund": "none"}, 404),
        ({"tolerance": 32}, 400),
        ({"first_day": "2019-9-1"}, 400),
        ({"column_date": "没有这一列"}, 422),
        ({"column_nothing": "x"}, 400),
        ({"kind": "application/json"}, 415),
    ],
)
def test_a_wrong_request_is_answered_with_a_problem(sample, params, status):
    assert send(sample, **params).status_code == status
    assert sample.client.post("/v1/reconciliations", data=FILE, headers=sample.headers("auditor")).status_code == 400


def test_a_third_simultaneous_file_is_answered_with_503_and_retry_after(sample, monkeypatch):
    monkeypatch.setattr(sandbox, "WAIT_SECONDS", 0.01)
    with sandbox._SLOTS, sandbox._SLOTS:
        busy = send(sample)
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "1")
    assert send(sample).status_code == 200


def test_a_key_of_another_fund_cannot_reconcile_or_read_reconciliations(sample_copy):
    with psycopg.connect(sample_copy.url, autocommit=True, row_factory=dict_row) as conn:
        key = api_keys.create(conn, SECRET, "elsewhere", grant(["read"], ["another-fund"]))
    assert send(sample_copy, key=key).status_code == 403
    assert sample_copy.get(f"/v1/reconciliations?fund={FUND}", key).status_code == 403
    assert send(sample_copy, key="").status_code == 401


def accepting(api, comparison, **changes):
    explained = [{**each, "explanation": "已核实"} for each in comparison["acceptance"]["exceptions"]]
    data = {**comparison["acceptance"], "exceptions": explained, **changes}
    return api.event("StatementReconciled", f"fund/{FUND}", "2020-09-10", ["对账单"], **data)


def test_a_comparison_is_accepted_once_its_exceptions_are_explained(sample_copy):
    comparison = send(sample_copy).json
    unexplained = accepting(sample_copy, comparison, exceptions=comparison["acceptance"]["exceptions"])
    refused = sample_copy.post(unexplained, "fund-office")
    assert (refused.status_code, refused.json["rule"]) == (422, "ExceptionUnexplained")
    assert sample_copy.post(accepting(sample_copy, comparison), "fund-office").status_code == 201
    sample_copy.fold()
    [row] = sample_copy.get(f"/v1/reconciliations?fund={FUND}").json["reconciliations"]
    assert (row["status"], row["lines"], row["exceptions"]) == ("accepted", 15, 7)
    assert row["file_sha256"] == sha256(FILE).hexdigest()
    assert (row["first_day"], row["last_day"]) == ("2019-09-01", "2019-09-30")


def test_a_balance_that_its_lines_do_not_give_is_an_exception_to_be_explained(sample_copy):
    comparison = send(sample_copy, without_a_line()).json
    [contradiction] = of_kind(comparison, "contradiction")[:1]
    assert comparison["statement"]["adds_up"] is False
    assert comparison["exceptions"][0] == contradiction
    assert (contradiction["lines"], contradiction["entries"], contradiction["difference"]) == ([], [], "0.00")
    assert "文件第" in contradiction["sentence_zh"]
    reported = [each["says"] for each in comparison["acceptance"]["exceptions"] if each["kind"] == "contradiction"]
    assert reported[0] == contradiction["sentence_zh"]
    unexplained = [
        {**each, **({} if each["kind"] == "contradiction" else {"explanation": "已核实"})}
        for each in comparison["acceptance"]["exceptions"]
    ]
    refused = sample_copy.post(accepting(sample_copy, comparison, exceptions=unexplained), "fund-office")
    assert (refused.json["rule"], refused.json["facts"]["about"]) == ("ExceptionUnexplained", reported[0])
    with_a_line = [{**unexplained[0], "explanation": "x", "lines": comparison["acceptance"]["exceptions"][-1]["lines"]}]
    misnamed = sample_copy.post(accepting(sample_copy, comparison, exceptions=with_a_line), "fund-office")
    assert misnamed.json["rule"] == "ExceptionMisnamed"
    assert sample_copy.post(accepting(sample_copy, comparison), "fund-office").status_code == 201


def test_what_the_client_says_of_a_file_is_passed_as_parameters(sample):
    content = "日期,金额,去向\n2019-09-01,-1.00,去\n2019-09-02,2.00,回\n".encode()
    asked = send(sample, content)
    assert (asked.status_code, asked.json["type"]) == (422, "/v1/problems/statement-wrong")
    assert "negative=paid" in asked.json["errors"][0]["detail"]
    paid = send(sample, content, negative="paid").json
    assert (paid["summary"]["statement"]["paid_out"], paid["statement"]["direction_by"]) == ("1.00", "parameter")
    words = {"column_direction": "去向", "paid_word": "去", "received_word": "回"}
    named = send(sample, content, **words).json
    assert (named["summary"]["statement"]["received"], named["statement"]["direction_by"]) == ("2.00", "column")
    assert named["statement"]["unchecked"] == ["payee", "account", "reference", "voucher"]
    unread = "日期,支出,收入,对方客户全称\n2019-09-01,1.00,,甲\n".encode()
    assert send(sample, unread).status_code == 422
    assert send(sample, unread, ignored="对方客户全称").json["statement"]["unread"] == ["对方客户全称"]
    assert send(sample, content, negative="both").status_code == 400


def test_a_second_acceptance_replaces_the_first_until_it_is_reversed(sample_copy):
    comparison = send(sample_copy).json
    first = sample_copy.post(accepting(sample_copy, comparison), "fund-office").json
    second = sample_copy.post(accepting(sample_copy, comparison), "fund-office").json
    reversal = {"version": second["version"], "reason": "误确认"}
    undo = sample_copy.event("EntryReversed", f"fund/{FUND}", "2020-09-11", ["冲销凭证号"], **reversal)
    sample_copy.fold()
    status = {row["version"]: row["status"] for row in rows(sample_copy)}
    assert status == {first["version"]: "replaced", second["version"]: "accepted"}
    assert sample_copy.post(undo, "corrections").status_code == 201
    sample_copy.fold()
    status = {row["version"]: row["status"] for row in rows(sample_copy)}
    assert status == {first["version"]: "accepted", second["version"]: "reversed"}


def rows(api):
    return api.get(f"/v1/reconciliations?fund={FUND}").json["reconciliations"]


def test_a_line_of_another_month_does_not_match_a_payment_that_is_already_settled(sample_copy):
    """A payment of September that appears again in October is a duplicate payment."""
    comparison = send(sample_copy).json
    headings = "日期,支出,收款人"
    twice = f"{headings}\n2019-10-08,2880000.00,示例3号项目甲单位\n".encode()
    assert [each["kind"] for each in send(sample_copy, twice).json["exceptions"]] == ["date_differs"]
    assert sample_copy.post(accepting(sample_copy, comparison), "fund-office").status_code == 201
    sample_copy.fold()
    [exception] = send(sample_copy, twice).json["exceptions"]
    assert (exception["kind"], exception["settled"]["payment"]) == ("duplicate", "yx-ip-2018-03-L01-B1-2")
    assert "yx-ip-2018-03-L01-B1-2" in exception["sentence_zh"]
    again = send(sample_copy).json
    assert again["summary"] == comparison["summary"], (
        "the same file, and other files of the same days, still match the settled payments"
    )
    assert again["accepted"]["version"] == rows(sample_copy)[0]["version"]
    same_days = FILE + b"\r\n"
    assert send(sample_copy, same_days).json["summary"] == comparison["summary"]


def test_an_acceptance_with_changed_figures_is_refused(sample_copy):
    comparison = send(sample_copy).json
    matches = comparison["acceptance"]["matches"]
    for changes, rule in (
        ({"paid_out": "9029991.01"}, "StatementDoesNotTie"),
        ({"lines": 16}, "LineNotOnce"),
        ({"matches": matches[1:]}, "LineNotOnce"),
        (
            {"matches": [{**matches[0], "entries": [{**matches[0]["entries"][0], "version": 1}]}, *matches[1:]]},
            "NotCash",
        ),
    ):
        assert sample_copy.post(accepting(sample_copy, comparison, **changes), "fund-office").json["rule"] == rule


def test_a_correction_of_the_ledger_removes_an_exception(sample_copy):
    """The confirmation of a payment in transit is posted, so that the payment's line matches."""
    confirmed = sample_copy.event(
        "PaymentConfirmed", "project/yx-ip-2018-08", "2019-09-05", payment="yx-ip-2018-08-L02-B1-1", amount="295055.00",
        payee={"name": "示例8号项目乙单位", "account": "620000000000080001"},
    )  # fmt: skip
    confirmed["data"]["documents"] = [{"kind": "流水号", "number": "示例20190905-0001"}]
    before = send(sample_copy).json
    answer = sample_copy.post(confirmed, "treasury")
    assert answer.status_code == 201
    sample_copy.fold()
    after = send(sample_copy, min_position=answer.json["position"]).json
    assert after["summary"]["exceptions"]["statement_only"] == before["summary"]["exceptions"]["statement_only"] - 1
    assert not [each for each in after["exceptions"] if each["pending"]]


def test_a_check_finds_nothing_wrong_with_an_acceptance(sample_copy):
    sample_copy.post(accepting(sample_copy, send(sample_copy).json), "fund-office")
    sample_copy.fold()
    report = check(sample_copy.url)
    assert report.findings == []


def test_a_key_without_the_fund_scope_cannot_accept(sample_copy):
    assert sample_copy.post(accepting(sample_copy, send(sample_copy).json), "treasury").status_code == 403
