"""The operator's commands, run as subprocesses."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

import click
import psycopg
import pytest

from service import __version__, example
from service.cli.commands import COMMANDS, cli
from service.config import ABOUT
from service.example import FUND, STATEMENT
from service.postgres.embedded import embedded_postgres
from tests.service.conftest import SECRET


def chinese(text):
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def suyuan(api, *arguments):
    return run(api, "keys", *arguments)


def run(api, *arguments):
    settings = {"DATABASE_URL": api.url, "SUYUAN_SECRET": SECRET.decode(), "SUYUAN_HOME": "/nowhere", "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-m", "service", *arguments],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def test_commands_create_rotate_list_and_revoke_a_key(api):
    settings = {"notice_working_days": 5, "approvals": [], "acceptance_tries": 1}
    cites = ("立项依据",)
    assert (
        api.post(api.event("FundEstablished", "fund/f", cites=cites, name="甲", settings=settings), "all").status_code
        == 201
    )
    limits = ["--scope", "read", "--fund", "f", "--expires", "2199-12-31"]
    created = suyuan(api, "create", "bank", *limits).stdout.strip()
    assert api.get("/v1/keys/self", created).json["grants"][0]["funds"] == ["f"]
    rotated = suyuan(api, "rotate", "bank", "--overlap-hours", "0").stdout.strip()
    assert api.get("/v1/keys/self", rotated).json["name"] == "bank"
    [row] = [line for line in suyuan(api, "list").stdout.splitlines() if " bank " in line]
    assert "in force" in row
    assert "2200-01-01 00:00" in row, "the expiry day is a day in Asia/Shanghai, and the key is valid until its end"
    assert suyuan(api, "revoke", "bank").returncode == 0
    history = suyuan(api, "history").stdout
    assert [action for action in ("created", "rotated", "revoked") if action in history] == [
        "created",
        "rotated",
        "revoked",
    ]


def test_a_key_command_that_fails_explains_it_in_chinese_too_without_a_traceback(api):
    for arguments in (
        ["create", "auditor", "--scope", "read"],
        ["create", "Bank 1", "--scope", "read"],
        ["create", "half", "--scope", "admin", "--fund", "f"],
        ["rotate", "nobody"],
        ["revoke", "nobody"],
    ):
        answer = suyuan(api, *arguments)
        assert answer.returncode == 2
        assert "Traceback" not in answer.stderr
        assert any("\u4e00" <= letter <= "\u9fff" for letter in answer.stderr), answer.stderr


def test_the_reconcile_command_compares_a_statement_with_the_ledger_and_shows_exceptions(sample):
    answer = run(sample, "reconcile", str(STATEMENT), "--fund", FUND)
    assert answer.returncode == 1, "there are exceptions"
    for kind in ("statement_only", "ledger_only", "duplicate", "amount_differs", "payee_differs", "date_differs"):
        assert kind in answer.stdout
    assert "9/15 行相符" in answer.stdout
    as_json = run(sample, "reconcile", str(STATEMENT), "--fund", FUND, "--json")
    assert json.loads(as_json.stdout)["summary"]["lines"] == 15


def test_an_unreadable_statement_is_reported_with_row_and_column(sample, tmp_path):
    file = tmp_path / "wrong.csv"
    file.write_text("日期,支出\n昨天,1.00\n", encoding="utf-8")
    answer = run(sample, "reconcile", str(file), "--fund", FUND)
    assert (answer.returncode, answer.stderr.splitlines()[-1]) == (
        2,
        "Error: row 2, column A '昨天' is not a date. “昨天”不是日期。",
    )
    for more in (["--fund", "none"], ["--fund", FUND, "--position", "9999999"]):
        answer = run(sample, "reconcile", str(STATEMENT), *more)
        assert answer.returncode == 2
        assert "Traceback" not in answer.stderr


def test_check_and_keys_fail_in_a_folder_without_a_ledger(tmp_path):
    environment = {**os.environ, "SUYUAN_HOME": str(tmp_path), "COLUMNS": "200"}
    environment.pop("DATABASE_URL", None)
    for command in (["check"], ["keys", "list"]):
        answer = subprocess.run(
            [sys.executable, "-m", "service", *command], env=environment, capture_output=True, text=True, check=False
        )
        assert answer.returncode == 2, answer
        assert str(tmp_path) in answer.stderr
        assert "没有账簿" in answer.stderr
    assert not (tmp_path / "postgres").exists()


def without_database(home, *arguments, **variables):
    """Run a command with this home folder and without DATABASE_URL."""
    inherited = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "COLUMNS")}
    command = [sys.executable, "-m", "service", *arguments]
    environment = {**inherited, "SUYUAN_HOME": str(home), **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_help_lists_every_command_in_both_languages_without_truncation(tmp_path):
    usage, _, top = without_database(tmp_path, "-h").stdout.partition("\n")
    assert usage == "Usage: suyuan [OPTIONS] COMMAND [ARGS]..."
    assert "..." not in top
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        line = next(line for line in top.splitlines() if line.strip().startswith(f"{name} "))
        assert chinese(line), name
        assert command.get_short_help_str(1_000)[:20] in line, name
    assert without_database(tmp_path, "--version").stdout == f"suyuan {__version__}\n"
    assert not list(tmp_path.iterdir()), "help creates nothing"


def test_the_help_of_a_command_names_every_variable_that_it_reads():
    named = set()
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        for each in getattr(command, "commands", {"": command}).values():
            named |= set(re.findall(r"^ +([A-Z_]{4,})\b", each.epilog or "", re.MULTILINE))
    assert named == set(ABOUT)


@pytest.mark.parametrize("arguments", [["load-plan", str(example.PLAN), "--actor", "甲"], ["keys", "list"], ["check"]])
def test_in_a_folder_without_a_ledger_a_command_refuses_and_creates_nothing(tmp_path, arguments):
    home = tmp_path / "mistyped"
    answer = without_database(home, *arguments)
    assert answer.returncode == 2
    assert str(home) in answer.stderr
    assert "没有账簿" in answer.stderr
    assert not home.exists()


def test_a_plan_file_is_checked_without_a_ledger(tmp_path):
    good = without_database(tmp_path, "load-plan", "--check", str(example.PLAN))
    assert (good.returncode, chinese(good.stdout)) == (0, True), good.stderr
    file = tmp_path / "plan.yaml"
    text = example.PLAN.read_text(encoding="utf-8")
    file.write_text(text.replace("gate: acceptance", "gate: midterm").replace("total: 480", "total: 48O"))
    lines = text.splitlines()
    bad = without_database(tmp_path, "load-plan", "--check", str(file))
    assert bad.returncode == 1
    gate = next(number for number, line in enumerate(lines, 1) if "gate: acceptance" in line)
    total = next(number for number, line in enumerate(lines, 1) if "total: 480" in line)
    assert f"{file}:{gate}: plan.batches[2].gate: 须为 award, agreement, acceptance 之一" in bad.stderr
    assert f"{file}:{total}: plan.projects[3].total: " in bad.stderr
    file.write_text(text.replace("total: 480", "total: 481"))
    sums = without_database(tmp_path, "load-plan", "--check", str(file))
    assert (sums.returncode, "480" in sums.stderr, "481" in sums.stderr) == (1, True, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan.yaml"]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"DATABASE_URL": "postgresql://[nonsense"}, "DATABASE_URL"),
        ({"DATABASE_URL": "host=/nowhere dbname=x"}, "数据库无法连接"),
        ({"DATABASE_URL": "host=/nowhere connect_timeout=abc"}, "DATABASE_URL"),
        ({"SUYUAN_SECRET": "short"}, "SUYUAN_SECRET"),
        ({"SUYUAN_SECRET_FILE": "/nowhere/secret"}, "SUYUAN_SECRET_FILE"),
    ],
)
def test_a_wrong_environment_variable_is_reported_without_a_traceback(tmp_path, variables, expected):
    secret = {} if "SUYUAN_SECRET_FILE" in variables else {"SUYUAN_SECRET": "a secret of at least 32 characters"}
    given = {**secret, **variables}
    answer = without_database(tmp_path, "keys", "create", "bank", "--scope", "read", "--new", **given)
    assert answer.returncode != 0
    assert expected in answer.stderr
    assert "Traceback" not in answer.stderr
    assert chinese(answer.stderr)


@pytest.mark.parametrize("command", [["keys", "list"], ["migrate"], ["run"]])
def test_a_home_that_is_a_file_is_reported_without_a_traceback(tmp_path, command):
    home = tmp_path / "file"
    home.write_text("not a folder")
    answer = without_database(home, *command, PORT="1")
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr
    assert str(home) in answer.stderr
    assert home.read_text() == "not a folder"


@pytest.mark.parametrize("encoding", ["ascii", "gbk"])
def test_a_terminal_that_cannot_write_chinese_gets_question_marks_and_no_traceback(tmp_path, encoding):
    command = [sys.executable, "-m", "service", "load-plan", "--check", str(example.PLAN)]
    answer = subprocess.run(command, env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True, check=False)
    assert (answer.returncode, b"Traceback" in answer.stderr) == (0, False), answer.stderr
    assert "the plan is valid" in answer.stdout.decode(encoding)


def test_an_empty_actor_is_refused(api):
    assert run(api, "load-plan", str(example.PLAN), "--actor", "").returncode != 0
    assert api.get("/readyz", key=None).json["log_position"] == 0


def test_a_secret_file_that_is_too_short_is_refused(tmp_path):
    (tmp_path / "secret").touch()
    answer = without_database(tmp_path, "keys", "create", "bank", "--scope", "read", "--new")
    assert answer.returncode == 2
    assert str(tmp_path / "secret") in answer.stderr


@pytest.mark.parametrize("closed", ["1", "2"])
def test_a_command_whose_output_is_closed_leaves_no_traceback(closed):
    command = f'"{sys.executable}" -m service load-plan --check "{example.PLAN}" {closed}>&-'
    answer = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")


INTERRUPTED = """
import os, signal, sys

class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupts())
sys.argv = ["suyuan", "load-plan", "--check", {plan!r}]
from service.cli import main
main()
"""


@pytest.mark.parametrize("module", ["service.cli.commands", "flask", "service.cli.load_plan"])
def test_an_interrupt_while_the_program_loads_leaves_no_traceback(module):
    source = INTERRUPTED.format(module=module, plan=str(example.PLAN))
    answer = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    assert "Traceback" not in answer.stderr
    assert answer.returncode in (130, -signal.SIGINT)


def test_an_interrupt_while_a_command_waits_leaves_no_traceback(api):
    with psycopg.connect(api.url) as other:
        other.execute("lock table api_key")
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "keys", "list"],
            env={**os.environ, "DATABASE_URL": api.url, "SUYUAN_SECRET": SECRET.decode()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        waiting = "select 1 from pg_locks where not granted"
        with psycopg.connect(api.url, autocommit=True) as conn:
            while not conn.execute(waiting).fetchone():
                time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in errors, errors.decode()


def test_listings_are_available_as_json_and_no_name_is_truncated(api):
    name = "a-department-with-a-name-as-long-as-a-name-may-be-0123456789ab"
    assert suyuan(api, "create", name, "--scope", "read").returncode == 0
    listed = subprocess.run(
        [sys.executable, "-m", "service", "keys", "list"],
        env={**os.environ, "DATABASE_URL": api.url, "SUYUAN_SECRET": SECRET.decode()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert name in listed.stdout
    assert name in {key["name"] for key in json.loads(suyuan(api, "list", "--json").stdout)}
    assert {"created"} <= {change["action"] for change in json.loads(suyuan(api, "history", "--json").stdout)}


def test_a_key_for_an_unknown_fund_or_project_or_a_past_day_is_refused(api):
    for limits in (
        ["--fund", "nowhere"],
        ["--project", "nothing"],
        ["--expires", "2020-01-01"],
        ["--expires", "9999-12-31"],
    ):
        answer = suyuan(api, "create", "useless", "--scope", "read", *limits)
        assert answer.returncode == 2, limits
        assert chinese(answer.stderr)
    assert "useless" not in suyuan(api, "list").stdout


def test_text_in_square_brackets_is_shown_as_it_is(api, tmp_path):
    assert suyuan(api, "create", "brackets", "--scope", "read", "--source", "/a[/red][bold]").returncode == 0
    for listing in ("list", "history"):
        assert "/a[/red][bold]" in suyuan(api, listing).stdout
    file = tmp_path / "plan[final].yaml"
    file.write_text(example.PLAN.read_text(encoding="utf-8"), encoding="utf-8")
    assert "plan[final].yaml" in run(api, "load-plan", "--check", str(file)).stdout


def test_a_ledger_without_its_secret_gets_no_other(folder):
    assert without_database(folder, "migrate").returncode == 0
    (folder / "secret").unlink()
    for command in (["migrate"], ["keys", "create", "bank", "--scope", "read", "--new"], ["run"]):
        answer = without_database(folder, *command, PORT="1")
        assert answer.returncode == 2
        assert str(folder / "secret") in answer.stderr
    assert not (folder / "secret").exists()


@pytest.mark.parametrize(
    "command", [["keys", "create", "bank", "--scope", "read", "--new"], ["keys", "list"], ["check"]]
)
def test_a_command_does_not_migrate_a_ledger_of_an_older_version(folder, command):
    assert without_database(folder, "migrate").returncode == 0
    with embedded_postgres(folder) as url, psycopg.connect(url) as conn:
        conn.execute("delete from migration where name = (select max(name) from migration)")
    answer = without_database(folder, *command)
    assert answer.returncode == 2
    assert "suyuan migrate" in answer.stderr


STOPPED_WHILE_LOADING = """
import os, signal, sys, time
from service.cli import main

class Stops:
    def find_spec(self, name, path=None, target=None):
        if name == "service.server.gateway":  # only the worker imports it
            os.kill(os.getppid(), signal.{signal})
            while True:
                time.sleep(1)

sys.meta_path.insert(0, Stops())
sys.argv = ["suyuan", "serve"]
main()
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_serve_ends_when_it_is_stopped_while_its_worker_still_loads(api, name):
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED_WHILE_LOADING.format(signal=name)],
        env={**os.environ, "DATABASE_URL": api.url, "SUYUAN_SECRET": SECRET.decode(), "PORT": str(free_port())},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        _, errors = process.communicate(timeout=60)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert (process.returncode, "Traceback" in errors) == (0, False), errors
