"""A check finds and names each difference from the log, and finds nothing in an intact ledger."""

import json
import os
import signal
import subprocess
import sys
import time
from operator import attrgetter
from typing import cast

import psycopg
import pytest
from psycopg.rows import dict_row

import projections
from bench import mixed_log
from domain.documents import PROJECT_CODE, Claim
from domain.fund.lifecycle import FundEstablished
from service.auth import api_keys
from service.auth.grants import grant
from service.check import KINDS, check, rules
from service.ledger.recorder import LastEvent, Recorder
from service.workers.projector import catch_up
from tests.conftest import new_database
from tests.folded import OWN_CURSOR
from tests.lives import SETTINGS, line, plan
from tests.posting import open_ledger
from tests.scenario import Scenario, post
from tests.service.conftest import SECRET, build, close, play_example
from tests.service.newer_events import record_newer


@pytest.fixture(scope="module")
def sound(server_url, template):
    """The URL of a database with the example. A test that damages the database uses a clone."""
    with new_database(server_url, template) as url:
        api = build(url)
        play_example(api)
        close(api)
        yield url


@pytest.fixture
def damaged(server_url, sound):
    """A connection to a clone of the example on which triggers and foreign keys are off."""
    name = psycopg.conninfo.conninfo_to_dict(sound)["dbname"]
    with new_database(server_url, name) as url, psycopg.connect(url, autocommit=True, row_factory=dict_row) as conn:
        conn.execute("set session_replication_role = replica")  # disables triggers and foreign keys
        conn.url = url  # type: ignore[attr-defined]
        yield conn


def found(conn, *kinds):
    """The findings of a check that are errors or that have one of the kinds `kinds`."""
    report = check(conn.url)
    for each in report.findings:
        assert each.en
        assert each.zh
    return [each for each in report.findings if each.kind in kinds or KINDS[each.kind].severity == "error"]


def test_a_check_of_an_intact_ledger_finds_nothing(sound):
    report = check(sound)
    assert report.findings == []
    assert report.errors == 0
    assert report.position == report.events > 400
    assert report.rows > 700


def test_a_check_of_the_log_that_the_benches_generate_finds_no_error(database_url):
    with psycopg.connect(database_url, autocommit=True) as conn:
        written = mixed_log.fill(database_url, conn, 3_000)
        [(digests,)] = conn.execute("select count(*) from event where fact ? 'content_sha256'").fetchall()
    catch_up(database_url)
    report = check(database_url)
    assert (report.errors, report.events) == (0, written), report.counts
    assert digests > 0


def test_a_code_that_the_plans_of_two_funds_named_before_it_was_reserved_is_no_finding(api):
    founded = {code: Scenario().given(post(f"fund/{code}", FundEstablished(code, SETTINGS), "1-1")) for code in "fg"}
    with open_ledger(api.url) as ledger:
        recorder = cast(Recorder, ledger.recorder)
        for code, alone in founded.items():
            drafted = alone.given(post(f"fund/{code}", plan(line("p")), "1-2"))
            before = {Claim(PROJECT_CODE, "p")} if code == "g" else ()  # the first fund has it
            with recorder.datastore.get_connection() as conn:
                events, reads = (
                    sorted(drafted.ledger.entries.values(), key=attrgetter("version")),
                    {f"fund/{code}": LastEvent()},
                )
                assert recorder.append(conn, events, reads, known_claims=before)
    api.fold()
    assert "claim-wrong" not in check(api.url).counts


def test_posts_during_a_check_cause_no_findings(sample_copy):
    """Some posts take the next serials. Others claim a document number, or free a number that was claimed before."""
    payments = {each["payment"]: each for each in sample_copy.get("/v1/payments?limit=1000").json["payments"]}
    pending = [each for each in payments.values() if each["status"] == "instructed"]

    def post_more(part, position):
        if (part, position) not in (("log", 0), ("rules", 0)):
            return
        fund = sample_copy.event(
            "AppropriationReceived", "fund/yx-ip-2018", "2020-08-01", ["上级指标文号"], amount="1.00", budget_year=2020
        )
        posted = sample_copy.post(fund, "all")
        assert posted.status_code == 201, posted.json.get("errors") or posted.json["title"]
        if pending:
            one = pending.pop()
            instructed = next(
                each
                for each in sample_copy.get("/v1/events?limit=1000&type=PaymentInstructed").json
                if each["data"]["payment"] == one["payment"]
            )
            reversal = sample_copy.event(
                "EntryReversed",
                instructed["subject"],
                "2020-08-01",
                ["冲销凭证号"],
                version=instructed["streamversion"],
                reason="测试",
            )
            answer = sample_copy.post(reversal, "all")
            assert answer.status_code == 201, answer.json.get("errors") or answer.json["title"]

    report = check(sample_copy.url, post_more)
    assert [each for each in report.findings if each.kind != "projection-behind"] == []
    assert report.events == report.position


def test_a_check_in_two_processes_covers_and_finds_the_same(damaged, monkeypatch):
    damaged.execute("update event set fact = jsonb_set(fact, '{documents}', '[]') where type = 'AwardListDecided'")
    one = check(damaged.url)
    monkeypatch.setattr(rules, "MIN_EVENTS_FOR_PROCESSES", 0)
    two = check(damaged.url)
    assert (two.events, two.counts) == (one.events, one.counts)


DAMAGE = {
    "movement": "update movement set amount = amount + 1, fen = fen + '{[9999999999,10000000000)}' where position = 2",
    "balance": "update balance set paid = paid + 1 where paid > 0 and award = 'yx-ip-2018-08-L01' and batch = 1",
    "lot": "update lot set ever = ever + '{[99999999990,99999999991)}' where depth = 'issued'",
    "fund": "update fund set appropriated = appropriated - 1",
    "appropriation": "update appropriation set amount = amount - 1",
    "batch_change": "update batch_change set change = change + 1 where project = 'yx-ip-2018-08' and account = 'paid'",
    "spending": "update spending set paid = paid + 1 where booked_on in (select max(booked_on) from spending)",
    "origin_change": "insert into origin_change values ('yx-ip-2018', 0, 99, 'paid', '2019-05-20', 1)",
    "plan_source": "insert into plan_source values ('yx-ip-2018', 4, '省', 1, '2019-05-20', '省级', 'provincial', 1)",
    "plan": "update plan set planned = planned + 1 where project = 'yx-ip-2018-01' and batch = 1",
    "project": "update project set name = 'x' where project = 'yx-ip-2018-01'",
    "round": "update round set status = 'failed' where project = 'yx-ip-2018-01'",
    "application": "delete from application where application = 'yx-ip-2018-07-A03'",
    "objection": "update objection set status = 'rejected'",
    "award": "update award set payee_account = '6666' where award = 'yx-ip-2018-08-L01'",
    "payment": "update payment set returned = returned + 1 where payment = 'yx-ip-2018-08-L01-B1-1'",
    "recovery": "update recovery set received = received + 1",
    "waiver": "insert into waiver values ('p', 'x/award/y', 'f', 'x', 'y', null, '', '2020-1-1', '', 'granted', '{}')",
    "recipient": "insert into recipient values ('uscc:1', 'p', 'd', 'f', false, false)",
    "recipient_rename": "insert into recipient_rename values"
    " ('p', 9, 'f', 'x', '', 'uscc:1', '', 'uscc:2', '2020-1-1', 'recorded', '{}')",
    "reconciliation": "insert into reconciliation values ('f', 9, 'ff', '2020-1-1', '2020-1-31', 9, 0, 0, 0, 0, 0,"
    " '2020-2-1', '', 'accepted', '{}')",
    "hold": "insert into hold values ('p', 'H', 'f', null, 1, null, '', '', '2020-1-1', '', null, 'held', '{}')",
    "finding": "insert into finding values ('fund/f', 'W', 'f', null, 1, 'use', null, '', '', null, null, null,"
    " '2020-1-1', '', null, null, null, null, 'open', '{}')",
    "note": "insert into note values (9, 'f', 'p', 1, 'other', null, null, 'x', '2020-1-1', null)",
    "citation": "update citation set sha256 = 'ff' where position = 2",
}
AMOUNTS = {
    "movement", "balance", "batch_change", "lot", "fund", "appropriation", "spending", "plan",
    "payment", "recovery",
}  # fmt: skip
ROWS = {
    "application": "missing-row",
    "origin_change": "extra-row",
    "plan_source": "extra-row",
    "waiver": "extra-row",
    "hold": "extra-row",
    "finding": "extra-row",
    "recipient": "extra-row",
    "recipient_rename": "extra-row",
    "note": "extra-row",
    "reconciliation": "extra-row",
}


@pytest.mark.parametrize("table", projections.ORDER)
def test_a_row_changed_by_hand_is_found_in_its_table_and_named(damaged, table):
    damaged.execute("alter table movement drop constraint if exists movement_check")
    assert damaged.execute(DAMAGE[table]).rowcount > 0
    errors = [each for each in found(damaged) if each.kind != "conservation-broken"]
    assert {each.facts["table"] for each in errors} == {table}
    kind = ROWS.get(table, "wrong-amount" if table in AMOUNTS else "wrong-value")
    assert {each.kind for each in errors} == {kind}


def test_a_wrong_balance_also_breaks_the_conservation_of_money(damaged):
    damaged.execute(DAMAGE["balance"])
    [broken] = [each for each in found(damaged) if each.kind == "conservation-broken"]
    assert broken.facts == {"fund": "yx-ip-2018", "appropriated": "10300000.00", "held": "10300000.01"}


CONFIRMED = "(select position from event where type = 'PaymentConfirmed' order by position limit 1)"
INSTRUCTED = "from event where type = 'PaymentInstructed' order by position limit 1"
LOG = [
    ("delete from event where position = 300", "position-gap"),
    ("update event set version = version + 100 where position = 300", "version-gap"),
    ("update event set recorded_at = recorded_at - interval '1 day' where position = 300", "time-goes-back"),
    ("update event set type = 'PaymentInvented' where position = 300", "newer-event"),
    (f"update event set fact = fact - 'amount' where position = {CONFIRMED}", "unreadable-event"),
    (
        f"""update event set fact = jsonb_set(fact, '{{moves,0,fen}}', '"{{[5,6)}}"') where position = {CONFIRMED}""",
        "moves-otherwise",
    ),
    (
        f"update event set fact = (select fact {INSTRUCTED}) where position = (select position {INSTRUCTED} offset 1)",
        "refused-today",
    ),
    ("delete from post where first_position = 300", "post-missing"),
    ("delete from claim where number = (select min(number) from claim where kind = '支付凭证号')", "claim-wrong"),
    ("insert into claim values ('支付凭证号', '2019/x/1', 'project/yx-ip-2018-01', 1, '/x')", "claim-wrong"),
    ("insert into claim values ('支付凭证号', '2019/x/1', 'project/nobody', 1, '/x')", "claim-wrong"),
    ("update serial set next = 5", "serial-wrong"),
    ("delete from serial", "serial-wrong"),
    ("update projection_cursor set position = 500", "cursor-wrong"),
    (OWN_CURSOR.format(name="award", position="(select max(position) + 1 from event)"), "cursor-wrong"),
    ("delete from projection where name = 'award'", "cursor-wrong"),
    ("insert into post values ('x', 'y', '\\x00', 5, 5)", "post-wrong"),
    ("update post set last_position = last_position + 1 where first_position = 5", "post-wrong"),
    ("update post set digest = sha256(digest) where first_position = 5", "post-wrong"),
    ("update event set fact = fact || '{\"zz\": 1}' where position = 300", "newer-event"),
    ("update event set recorded_at = 'infinity' where position = (select max(position) from event)", "time-goes-back"),
]


@pytest.mark.parametrize(("damage", "kind"), LOG, ids=[f"{kind}-{n}" for n, (_, kind) in enumerate(LOG)])
def test_a_log_changed_by_hand_is_found_and_named(damaged, damage, kind):
    assert damaged.execute(damage).rowcount > 0
    assert kind in {each.kind for each in found(damaged, kind)}


def test_a_wrong_serial_is_also_named_as_text(damaged):
    damaged.execute("update serial set next = 5")
    [finding] = found(damaged, "serial-wrong")
    assert (finding.facts["next"], finding.facts["issued_text"]) == ("5", str(finding.facts["issued"]))


@pytest.mark.parametrize(
    ("type_", "more", "unknown"),
    [
        ("TaxLevied", {}, "its type"),
        ("PeriodClosed", {"documents": [{"kind": "a", "number": "1", "x": 1}], "tax": 1}, "documents[].x, tax"),
    ],
)
def test_an_event_of_a_newer_version_is_a_finding_of_its_own_and_the_only_one(damaged, type_, more, unknown):
    position = record_newer(damaged.url, "fund/yx-ip-2018", type_, **more)
    catch_up(damaged.url)
    [finding] = check(damaged.url).findings
    assert (finding.kind, finding.facts["position"], finding.facts["type"]) == ("newer-event", position, type_)
    assert unknown in finding.en
    assert finding.facts["fields"] == ([] if unknown == "its type" else unknown.split(", "))


def test_an_event_that_today_s_rules_would_refuse_is_a_note(damaged):
    damaged.execute("update event set fact = jsonb_set(fact, '{documents}', '[]') where type = 'AwardListDecided'")
    notes = found(damaged, "refused-today")
    assert "MissingCitation" in {each.facts.get("rule") for each in notes}


def test_tables_behind_the_log_are_a_note_and_are_checked_up_to_their_position(damaged):
    damaged.execute("truncate api_key, api_secret, access_change")
    api = build(damaged.url)
    settings = {"notice_working_days": 5, "approvals": [], "acceptance_tries": 1}
    event = api.event("FundEstablished", "fund/z", cites=["立项依据"], name="专项资金", settings=settings)
    assert api.post(event, "fund-office").status_code == 201
    close(api)
    report = check(damaged.url)
    assert [each.kind for each in report.findings] == ["projection-behind"]
    assert (report.errors, report.head - report.position) == (0, 1)


def test_a_log_that_cannot_be_folded_further_is_an_error(damaged):
    damaged.execute(
        "insert into event select max(position) + 1, 'fund/z', 1, 'Invented', now(), "
        """'{"fund": "z", "booked_on": "2026-1-1", "moves": [{"from": "treasury", "to": "pool", """
        """"fen": "{[0,1)}", "amount": "0.01"}]}' from event"""
    )
    kinds = {each.kind for each in found(damaged)}
    assert {"cannot-be-folded", "newer-event"} <= kinds


def test_a_table_folded_by_another_version_of_its_sql_is_an_error(damaged):
    damaged.execute("update projection set version = 'another' where name = 'award'")
    assert [(each.kind, each.facts["table"]) for each in found(damaged)] == [("sql-changed", "award")]


def environment(url):
    return {**os.environ, "DATABASE_URL": url, "SUYUAN_SECRET": SECRET.decode(), "SUYUAN_CHECK_HOURS": "24"}


def suyuan(url, *arguments):
    command = [sys.executable, "-m", "service", *arguments]
    return subprocess.run(command, env=environment(url), capture_output=True, text=True, check=False)


def test_the_exit_code_of_the_check_command_is_1_if_there_are_errors(sound, damaged):
    answer = suyuan(sound, "check")
    assert answer.returncode == 0, answer.stderr
    assert "账簿与日志一致" in answer.stdout
    damaged.execute(DAMAGE["award"])
    answer = suyuan(damaged.url, "check", "--json")
    assert answer.returncode == 1
    report = json.loads(answer.stdout)
    assert (report["errors"], report["counts"]) == (1, {"wrong-value": 1})
    assert report["findings"][0]["facts"]["table"] == "award"


def test_a_rebuild_repairs_a_table_that_the_check_found_wrong(damaged):
    damaged.execute(DAMAGE["award"])
    refused = suyuan(damaged.url, "rebuild", "award")
    assert (refused.returncode, "--accept-differences award" in refused.stdout) == (1, True)
    rebuilt = suyuan(damaged.url, "rebuild", "award", "--accept-differences", "award", "--json")
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert json.loads(rebuilt.stdout)["switched"]
    assert found(damaged) == []


def test_a_requested_check_is_run_by_the_projector_process_even_after_a_kill(damaged):
    damaged.execute("truncate api_key, api_secret, access_change")
    api = build(damaged.url)
    try:
        damaged.execute(DAMAGE["award"])
        requested = api.post("", "auditor", "/v1/checks")
        assert requested.status_code == 202
        address = requested.headers["Location"]
        assert api.post("", "auditor", "/v1/checks").headers["Location"] == address, "only one check waits at a time"
        assert api.get(address).json["status"] == "waiting"
        first = projector(damaged.url)
        await_status(api, address, "running")
        first.send_signal(signal.SIGKILL)
        first.wait()
        second = projector(damaged.url)
        finished = await_status(api, address, "finished")
        second.terminate()
        assert second.wait(20) == 0
        assert finished["errors"] == 1
        assert finished["report"]["findings"][0]["facts"]["table"] == "award"
        assert [each["asked_by"] for each in api.get("/v1/checks").json["checks"]] == ["auditor"]
    finally:
        close(api)


def projector(url):
    return subprocess.Popen([sys.executable, "-m", "service", "projector"], env=environment(url))


def await_status(api, address, status):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = api.get(address).json
        if answer["status"] == status:
            return answer
        time.sleep(0.05)
    raise AssertionError(answer)


def test_a_check_requires_a_key_without_limits(api):
    with psycopg.connect(api.url, autocommit=True, row_factory=dict_row) as conn:
        api.keys["limited"] = api_keys.create(conn, SECRET, "limited", grant(["read"], funds=["f"]))
    assert api.post("", "limited", "/v1/checks").status_code == 403
    assert api.post("", "treasury", "/v1/checks").status_code == 202
    assert api.get("/v1/checks/99").status_code == 404
    assert api.get("/v1/checks?limit=0").status_code == 400
