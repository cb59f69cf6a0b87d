"""The operator's commands for keys and statements, as they are typed."""

import json
import os
import subprocess
import sys

from service.example import FUND, STATEMENT
from tests.service.conftest import SECRET


def suyuan(api, *arguments):
    return run(api, "keys", *arguments)


def run(api, *arguments):
    told = {"DATABASE_URL": api.url, "SUYUAN_SECRET": SECRET.decode(), "SUYUAN_HOME": "/nowhere", "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-m", "service", *arguments],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_key_is_made_rotated_listed_and_revoked_by_command(api):
    settings = {"notice_working_days": 5, "approvals": [], "acceptance_tries": 1}
    cites = ("立项依据",)
    assert (
        api.post(api.event("FundEstablished", "fund/f", cites=cites, name="甲", settings=settings), "all").status_code
        == 201
    )
    limits = ["--scope", "read", "--fund", "f", "--expires", "2199-12-31"]
    made = suyuan(api, "create", "bank", *limits).stdout.strip()
    assert api.get("/v1/keys/self", made).json["grants"][0]["funds"] == ["f"]
    rotated = suyuan(api, "rotate", "bank", "--overlap-hours", "0").stdout.strip()
    assert api.get("/v1/keys/self", rotated).json["name"] == "bank"
    [row] = [line for line in suyuan(api, "list").stdout.splitlines() if " bank " in line]
    assert "in force" in row
    assert "2200-01-01 00:00" in row, "the day it ends on is a day in Asia/Shanghai, and belongs to it"
    assert suyuan(api, "revoke", "bank").returncode == 0
    history = suyuan(api, "history").stdout
    assert [action for action in ("created", "rotated", "revoked") if action in history] == [
        "created",
        "rotated",
        "revoked",
    ]


def test_what_cannot_be_done_is_said_in_a_sentence_of_both_languages(api):
    for arguments in (
        ["create", "auditor", "--scope", "read"],
        ["create", "Bank 1", "--scope", "read"],
        ["create", "half", "--scope", "admin", "--fund", "f"],
        ["rotate", "nobody"],
        ["revoke", "nobody"],
    ):
        answer = suyuan(api, *arguments)
        assert answer.returncode == 1
        assert "Traceback" not in answer.stderr
        assert any("\u4e00" <= letter <= "\u9fff" for letter in answer.stderr), answer.stderr


def test_a_statement_is_held_against_the_books_by_command_and_its_exceptions_shown(played):
    told = run(played, "reconcile", str(STATEMENT), "--fund", FUND)
    assert told.returncode == 1, "there are exceptions"
    for kind in ("statement_only", "ledger_only", "duplicate", "amount_differs", "payee_differs", "date_differs"):
        assert kind in told.stdout
    assert "9/15 行相符" in told.stdout
    as_json = run(played, "reconcile", str(STATEMENT), "--fund", FUND, "--json")
    assert json.loads(as_json.stdout)["summary"]["lines"] == 15


def test_what_is_no_statement_is_said_by_its_places(played, tmp_path):
    file = tmp_path / "wrong.csv"
    file.write_text("日期,支出\n昨天,1.00\n", encoding="utf-8")
    told = run(played, "reconcile", str(file), "--fund", FUND)
    assert (told.returncode, told.stderr.splitlines()[-1]) == (
        2,
        "Error: row 2, column A '昨天' is no day. “昨天”不是日期。",
    )
    for more in (["--fund", "none"], ["--fund", FUND, "--position", "9999999"]):
        told = run(played, "reconcile", str(STATEMENT), *more)
        assert told.returncode == 2
        assert "Traceback" not in told.stderr


def test_of_a_folder_without_a_ledger_nobody_is_told_that_all_is_well(tmp_path):
    told = {**os.environ, "SUYUAN_HOME": str(tmp_path), "COLUMNS": "200"}
    told.pop("DATABASE_URL", None)
    for command in (["check"], ["keys", "list"]):
        answer = subprocess.run(
            [sys.executable, "-m", "service", *command], env=told, capture_output=True, text=True, check=False
        )
        assert answer.returncode == 1, answer
        assert str(tmp_path) in answer.stderr
        assert "没有账簿" in answer.stderr
    assert not (tmp_path / "postgres").exists()
