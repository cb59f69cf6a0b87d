"""The operator's commands for keys, as they are typed."""

import os
import subprocess
import sys

from tests.service.conftest import SECRET


def suyuan(api, *arguments):
    told = {"DATABASE_URL": api.url, "SUYUAN_SECRET": SECRET.decode(), "SUYUAN_HOME": "/nowhere", "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-m", "service", "keys", *arguments],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_key_is_made_rotated_listed_and_revoked_by_command(api):
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
