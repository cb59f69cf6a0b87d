"""`suyuan keys` refuses what cannot work, and its history shows who changed a key and why."""

import json
import os
import re
import time
from datetime import timedelta

import psycopg
import pytest

from service import calendar
from service.auth.api_keys import CACHE_SECONDS
from tests.service.commands import run_command
from tests.service.conftest import SECRET
from tests.service.test_cli import chinese


def keys(api, *arguments, **variables):
    settings = {"DATABASE_URL": api.url, "SUYUAN_SECRET": SECRET.decode(), "SUYUAN_HOME": "/nowhere", "COLUMNS": "200"}
    return run_command("keys", *arguments, env={**os.environ, **settings, **variables})


def refused(answer, *expected):
    """Whether a command was refused, in both languages, with each of the texts `expected`."""
    problem = answer.stderr.partition("错误 Error: ")[2]
    assert (answer.returncode, answer.stdout, chinese(problem)) == (2, "", True), answer
    assert [text for text in expected if text not in problem] == [], problem
    return True


def founding(api, fund):
    settings = {"notice_working_days": 5, "approvals": [], "acceptance_tries": 1}
    return api.event("FundEstablished", f"fund/{fund}", cites=("立项依据",), name="甲", settings=settings)


@pytest.fixture
def founded(api):
    """The funds yx-ip-2018 and yx-talent-2020 are established."""
    for fund in ("yx-ip-2018", "yx-talent-2020"):
        assert api.post(founding(api, fund), "all").status_code == 201
    return api


def names(api):
    return {key["name"] for key in json.loads(keys(api, "list", "--json").stdout)}


@pytest.mark.parametrize("typed", ["yx-ip-2081", "yx-ip2018", "YX-IP-2018", "fund/yx-ip-2018"])
def test_a_key_for_an_unknown_fund_is_refused_and_close_codes_are_named(founded, typed):
    answer = keys(founded, "create", "bank", "--scope", "read", "--fund", typed)
    assert refused(answer, f"fund/{typed}", "yx-ip-2018", "not in this ledger")
    assert "yx-talent-2020" not in answer.stderr
    assert "bank" not in names(founded)


def test_a_key_for_an_unknown_project_is_refused_and_close_codes_are_named(sample_copy):
    answer = keys(sample_copy, "create", "bank", "--scope", "read", "--project", "yx-ip-2018-1", "--project", "none")
    assert refused(answer, "project/yx-ip-2018-1", "project/none", "yx-ip-2018-01")


def test_the_office_of_a_fund_gets_its_key_before_the_fund_is_established_if_the_operator_says_so(founded):
    limits = ["--scope", "post:fund", "--source", "/test", "--scope", "read", "--fund", "new-2027"]
    assert refused(keys(founded, "create", "office", *limits), "--not-yet-established")
    created = keys(founded, "create", "office", *limits, "--not-yet-established")
    assert created.returncode == 0, created.stderr
    assert "new-2027" in created.stderr, "a typing error is seen"
    key = created.stdout.strip()
    assert founded.post(founding(founded, "new-2027"), key).status_code == 201
    assert founded.post(founding(founded, "other"), key).status_code == 403


@pytest.mark.parametrize("typed", ["New-2027", "新基金", "a" * 65, "", "fund/new"])
def test_a_code_that_no_fund_can_have_is_refused_even_for_a_fund_that_is_not_yet_established(founded, typed):
    limits = ["--scope", "read", f"--fund={typed}", "--not-yet-established"]
    assert refused(keys(founded, "create", "office", *limits), "--fund")


def test_an_expiry_that_is_past_or_is_no_day_is_refused(founded):
    yesterday = (calendar.today() - timedelta(days=1)).isoformat()
    for day in (yesterday, "2019-02-29", "tomorrow", "2200-01-01", "2027-1", "99999-01-01"):
        for command in (["create", "bank", "--scope", "read"], ["rotate", "auditor"]):
            assert refused(keys(founded, *command, "--expires", day)), day
    today = calendar.today().isoformat()
    assert keys(founded, "create", "today", "--scope", "read", "--expires", today).returncode == 0
    assert "bank" not in names(founded)


def test_rotating_an_expired_key_says_when_it_expired_and_how_to_renew_it(founded):
    assert keys(founded, "create", "bank", "--scope", "read", "--expires", "2199-12-31").returncode == 0
    with psycopg.connect(founded.url, autocommit=True) as conn:
        conn.execute("update api_secret set expires_at = '2026-01-01 00:00+08' where name = 'bank'")
    assert refused(keys(founded, "rotate", "bank"), "bank", "2026-01-01", "--expires")
    renewed = keys(founded, "rotate", "bank", "--expires", "2199-12-31").stdout.strip()
    assert founded.get("/v1/keys/self", renewed).json["name"] == "bank"
    lasting = keys(founded, "rotate", "auditor", "--overlap-hours", "0").stdout.strip()
    assert founded.get("/v1/keys/self", lasting).status_code == 200, "a key without an expiry is rotated as before"


def test_rotating_or_revoking_a_revoked_key_says_when_it_was_revoked_and_what_to_do(founded):
    assert keys(founded, "revoke", "auditor").returncode == 0
    today = calendar.today().isoformat()
    for command in (["rotate"], ["revoke"], ["allow", "--source=/a"]):
        assert refused(keys(founded, *command, "auditor"), "auditor", "revoked", today, "keys create")


def test_a_key_that_never_was_is_refused_and_close_names_are_named(founded):
    for command in ("rotate", "revoke"):
        assert refused(keys(founded, command, "auditr"), "auditr", "auditor")
        assert refused(keys(founded, command, "zzz"), "zzz", "keys list")


def test_the_history_shows_who_changed_a_key_and_why(founded):
    create = ["create", "bank", "--scope", "read", "--fund", "yx-ip-2018"]
    assert keys(founded, *create, "--reason", "审计组进驻 [1]", LOGNAME="zhang").returncode == 0
    assert keys(founded, "rotate", "bank", "--reason", "人员交接", LOGNAME="wu").returncode == 0
    assert keys(founded, "rotate", "bank", LOGNAME="wu").returncode == 0
    assert keys(founded, "revoke", "bank", "--reason", "audit ended", LOGNAME="li").returncode == 0
    expected = [
        ("created", "zhang", "审计组进驻 [1]"),
        ("rotated", "wu", "人员交接"),
        ("rotated", "wu", None),
        ("revoked", "li", "audit ended"),
    ]
    table = [line for line in keys(founded, "history").stdout.splitlines() if " bank " in line]
    for line, (action, by, reason) in zip(table, expected, strict=True):
        assert re.search(rf"{action} +│ {by} +│ {re.escape(reason or '')}", line), line
    listed = json.loads(keys(founded, "history", "--json").stdout)
    served = founded.get("/v1/keys", "operator").json["changes"]
    for changes in (listed, served):
        ours = [change for change in changes if change["key"] == "bank"]
        assert [(each["action"], each["by"], each["reason"]) for each in ours] == expected
        assert ours[0]["detail"] == {"scopes": ["read"], "funds": ["yx-ip-2018"]}


@pytest.mark.parametrize("scope", ["post:fund", "approve:payment"])
def test_a_key_that_may_post_names_the_sources_of_its_events(founded, scope):
    assert refused(keys(founded, "create", "bank", "--scope", "read", "--scope", scope), "--source")
    assert "bank" not in names(founded)
    assert keys(founded, "create", "bank", "--scope", scope, "--source", "/bank").returncode == 0


def test_a_key_gets_a_further_source_and_the_history_shows_it(founded):
    key = keys(founded, "create", "office", "--scope", "post:fund", "--source", "/office").stdout.strip()
    assert founded.post(founding(founded, "f-1"), key).json["type"] == "/v1/problems/wrong-source"
    allowed = keys(founded, "allow", "office", "--source", "/test", "--reason", "新系统", LOGNAME="wu")
    assert allowed.returncode == 0, allowed
    time.sleep(CACHE_SECONDS)
    assert founded.post(founding(founded, "f-1"), key).status_code == 201
    [own] = founded.get("/v1/keys/self", key).json["grants"]
    assert own["sources"] == ["/office", "/test"]
    change = founded.get("/v1/keys", "operator").json["changes"][-1]
    assert (change["key"], change["action"], change["by"], change["reason"]) == ("office", "allowed", "wu", "新系统")
    assert change["detail"] == {"sources": ["/test"]}
    assert refused(keys(founded, "allow", "office", "--source", " /x"), "--source")


def test_the_review_lists_the_keys_that_may_post_but_name_no_source(founded):
    with psycopg.connect(founded.url, autocommit=True) as conn:  # as the upgrade leaves a key that has never posted
        conn.execute("update api_key set sources = '{}' where name in ('treasury', 'auditor')")
    assert "suyuan keys allow treasury" in keys(founded, "review").stdout
    assert json.loads(keys(founded, "review", "--json").stdout)["without_source"] == ["treasury"]


def test_a_source_that_keys_with_other_limits_share_is_pointed_out(founded):
    posting = ["--scope", "post:payment", "--source", "/treasury"]
    first = keys(founded, "create", "a", *posting, "--fund", "yx-ip-2018")
    same = keys(founded, "create", "b", *posting, "--fund", "yx-ip-2018")
    other = keys(founded, "create", "c", *posting, "--fund", "yx-talent-2020")
    assert ["/treasury" in each.stderr for each in (first, same, other)] == [False, False, True]
    assert chinese(other.stderr)
    assert all(f"the key {name} has other limits" in other.stderr for name in "ab")


@pytest.mark.parametrize("reason", ["", "  ", "a\nb", "\u202eabc", "x" * 201])
def test_a_reason_that_is_empty_or_long_or_cannot_be_read_is_refused(founded, reason):
    for command in (["create", "bank", "--scope", "read"], ["rotate", "auditor"], ["revoke", "auditor"]):
        assert refused(keys(founded, *command, f"--reason={reason}"), "--reason")
    assert "bank" not in names(founded)
