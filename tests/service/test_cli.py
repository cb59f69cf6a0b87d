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
from pathlib import Path

import click
import psycopg
import pytest
from click.testing import CliRunner

from service import __version__, example
from service.app import open_ledger
from service.cli import click_errors
from service.cli.commands import COMMANDS, cli
from service.config import ABOUT, OF_CHECKER, OF_LEDGER, OF_PROJECTOR, OF_SERVER, ExitCode
from service.example import FUND, STATEMENT
from service.plans import plan_file
from service.postgres.embedded import embedded_postgres
from service.supervisor import supervised
from tests.conftest import new_database
from tests.service.calendar_files import TEXT_2027
from tests.service.commands import run_command
from tests.service.conftest import SECRET
from tests.service.newer_events import record_newer


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
    return run_command(*arguments, env={**os.environ, **settings})


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
        "错误 Error: row 2, column A '昨天' is not a date. “昨天”不是日期。",
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


def without_database(home, *arguments, cwd=None, **variables):
    """Run a command with the home folder `home` and without DATABASE_URL."""
    inherited = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "COLUMNS")}
    return run_command(*arguments, env={**inherited, "SUYUAN_HOME": str(home), **variables}, cwd=cwd)


def test_the_help_lists_every_command_in_both_languages_without_truncation(tmp_path):
    usage, _, top = without_database(tmp_path, "-h").stdout.partition("\n")
    assert usage == "Usage: suyuan [OPTIONS] COMMAND [ARGS]..."
    assert "..." not in top
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        line = next(line for line in top.splitlines() if line.strip().startswith(f"{name} "))
        assert chinese(line), name
        assert command.get_short_help_str(1_000)[:20] in line, name
    assert 'eval "$(_SUYUAN_COMPLETE=bash_source suyuan)"' in top, "the line to copy is not broken"
    assert without_database(tmp_path, "--version").stdout == f"suyuan {__version__}\n"
    assert not list(tmp_path.iterdir()), "help creates nothing"


def all_commands():
    yield "", cli
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        yield name, command
        for sub in getattr(command, "commands", ()):
            yield f"{name} {sub}", command.get_command(click.Context(command), sub)


def test_the_help_of_every_option_is_in_both_languages():
    for name, command in all_commands():
        for option in command.get_params(click.Context(command)):
            if isinstance(option, click.Option):
                words = re.sub(r"[^A-Za-z]", "", option.help or "")
                assert (bool(words), chinese(option.help or "")) == (True, True), f"{name} {option.opts}"


def wrong_uses(name, command):
    """The errors that click raises if a parameter of a command is missing, or has a value of the wrong kind."""
    context = click.Context(command, info_name=name)
    for parameter in command.params:
        if parameter.required:
            yield click.MissingParameter(ctx=context, param=parameter)
        for value in () if getattr(parameter, "is_flag", False) else ("?", "-1"):
            try:
                parameter.type.convert(value, parameter, context)
            except click.BadParameter as error:
                yield error


def test_a_missing_or_wrong_value_of_every_parameter_is_reported_in_both_languages():
    errors = [error for name, command in all_commands() for error in wrong_uses(name, command)]
    assert {type(error) for error in errors} == {click.MissingParameter, click.BadParameter}
    assert [error.format_message() for error in errors if not chinese(click_errors.message(error))] == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["checks"], "没有命令 'checks'。 No such command 'checks'."),
        (["check", "--jsn"], "没有选项 '--jsn'。 No such option '--jsn'."),
        (["check", "--json=1"], "选项 '--json' 不带值。"),
        (["keys", "create", "x", "--fund"], "选项 '--fund' 缺少值。"),
        (["keys", "revoke", "x", "y"], "多余的参数 y。"),
        (["keys", "--"], "缺少命令。"),
        (["calendar", "export", "MMXX"], "'YEAR' 须为整数，不能是 'MMXX'。"),
        (["reconcile", "x.csv", "--fund", "f", "--tolerance", "40"], "'--tolerance' 须在 0<=x<=31 范围内，不能是 40。"),
    ],
)
def test_a_command_that_is_used_wrongly_says_so_in_both_languages(tmp_path, arguments, expected):
    answer = without_database(tmp_path, *arguments)
    assert (answer.returncode, f"错误 Error: {expected}" in answer.stderr) == (2, True), answer.stderr


@pytest.mark.parametrize(
    ("arguments", "name", "expected"),
    [
        (["calendar", "import", "--check", "{}"], "none", "没有此文件或文件夹"),
        (["calendar", "import", "--check", "{}"], "", "是文件夹，不是文件"),
        (["load-plan", "--check", "{}"], "none", "没有此文件或文件夹"),
        (["reconcile", "{}", "--fund", FUND], "none", "没有此文件或文件夹"),
        (["reconcile", "{}", "--fund", FUND], "", "是文件夹，不是文件"),
        (["archive", "--to", "{}"], "file", "不是文件夹"),
        (["replay", "--from", "{}"], "none", "没有归档"),
        (["restore", "--from", "{}"], "none", "没有归档"),
        (["contract", "{}"], "", "是文件夹，不是文件"),
        (["schema", "{}"], "", "是文件夹，不是文件"),
    ],
)
def test_a_file_that_cannot_be_opened_is_named_with_the_reason_in_both_languages(
    sample, tmp_path, arguments, name, expected
):
    (tmp_path / "file").touch()
    path = str(tmp_path / name) if name else str(tmp_path)
    answer = run(sample, *(each.replace("{}", path) for each in arguments))
    assert (answer.returncode, path in answer.stderr, expected in answer.stderr) == (2, True, True), answer.stderr
    assert "Traceback" not in answer.stderr


def variables_in_help():
    """The name of each command, with the environment variables that the command's help names. Groups are left out."""
    for name, command in all_commands():
        if not isinstance(command, click.Group):
            yield name, set(re.findall(r"^ +([A-Z_]{4,})\b", command.epilog or "", re.MULTILINE))


ONCE = (
    "keys create bank --scope read", "keys person bank 2001", "keys review", "keys rotate bank",
    "keys allow bank --source /bank", "keys revoke bank", "keys list", "keys history",
    "calendar import {tmp}/calendar.yaml", "calendar list", "calendar export 2027",
    f"load-plan {example.PLAN} --actor 测试", f"reconcile {STATEMENT} --fund {FUND}", "check", "rebuild plan",
    "archive --to {tmp}/archive", "replay --from {tmp}/archive", "restore --from {tmp}/archive",
    "contract {tmp}/contract.json", "schema {tmp}/schema.sql", "migrate",
)  # fmt: skip
"""Every command that ends by itself, as a command line with arguments."""
DIFFERS_OR_REFUSES = ("reconcile", "restore")
"""The commands of ONCE that end with an error: the example's statement differs, and its database is not empty."""
UNTIL_STOPPED = {
    "run": {*OF_LEDGER, *OF_SERVER, *OF_PROJECTOR, "LOGNAME"},
    "serve": {*OF_LEDGER, *OF_SERVER},
    "projector": {*OF_LEDGER, *OF_PROJECTOR},
    "checker": {*OF_LEDGER, *OF_CHECKER},
}


@pytest.fixture
def read_variables(monkeypatch):
    """The set of the names of the environment variables that were read. A test may clear the set."""
    read, get = set(), os._Environ.__getitem__

    def get_and_note(environ, name):
        read.add(name)
        return get(environ, name)

    monkeypatch.setattr(os._Environ, "__getitem__", get_and_note)
    return read


def test_the_help_of_each_command_names_the_variables_that_it_reads(
    sample_copy, tmp_path, folder, monkeypatch, read_variables
):
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "calendar.yaml").write_text(TEXT_2027, encoding="utf-8")
    for name in ABOUT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", sample_copy.url)
    monkeypatch.setenv("SUYUAN_HOME", str(folder))
    monkeypatch.setenv("SUYUAN_SECRET_FILE", str(tmp_path / "secret"))
    found = {}
    for line in ONCE:
        read_variables.clear()
        arguments = line.replace("{tmp}", str(tmp_path)).split()
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == int(arguments[0] in DIFFERS_OR_REFUSES), (line, result.output)
        found[" ".join(arguments[: 2 if arguments[0] in ("keys", "calendar") else 1])] = read_variables & set(ABOUT)
    assert dict(variables_in_help()) == {**found, **UNTIL_STOPPED}
    assert set().union(*found.values(), *UNTIL_STOPPED.values()) == set(ABOUT)


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


@pytest.mark.parametrize(("name", "host"), [("SIGINT", "localhost"), ("SIGTERM", "127.0.0.1")])
def test_serve_ends_when_it_is_stopped_while_its_worker_still_loads(api, name, host):
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED_WHILE_LOADING.format(signal=name)],
        env={
            **os.environ,
            "DATABASE_URL": api.url,
            "SUYUAN_SECRET": SECRET.decode(),
            "PORT": str(free_port()),
            "HOST": host,
        },
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


UNFOLDABLE = {"moves": [{"from": "pool", "to": "reserve", "fen": "{[1,2)}", "amount": "0.01"}]}
HOLD = """
    insert into held_fund (fund, position, projection, finding) values ('yx-ip-2018', 400, 'lot', 'of the test')
"""


def hold(url):
    with psycopg.connect(url) as conn:
        conn.execute(HOLD)


@pytest.mark.long("starts the service three times")
@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (lambda url: record_newer(url, f"fund/{FUND}"), "projections folded"),
        (lambda url: record_newer(url, f"fund/{FUND}", **UNFOLDABLE), "the example's statement is not compared"),
        (hold, "the example's statement is not compared"),
    ],
    ids=["newer", "newer and unfoldable", "held"],
)
def test_run_serves_although_the_example_s_fund_cannot_be_read_or_folded(
    server_url, example_database, tmp_path, before, expected
):
    with new_database(server_url, example_database) as url:
        before(url)
        serves, output = started_and_ended(url, tmp_path)
    assert serves, output
    assert expected in output


def test_run_serves_and_says_that_a_newer_event_keeps_the_example_from_being_continued(server_url, template, tmp_path):
    with new_database(server_url, template) as url:
        ledger = open_ledger(url)
        post = example.poster(ledger, SECRET, lambda: None)
        post(next(iter(plan_file.posts(plan_file.read(example.PLAN), actor="示例·资金科赵某"))))
        ledger.close()
        record_newer(url, f"fund/{FUND}")
        serves, output = started_and_ended(url, tmp_path)
    assert serves, output
    assert "the example is not continued: fund/yx-ip-2018 has an event with TaxLevied" in output


def started_and_ended(url, home):
    """Whether `suyuan run` serves, and what it prints until it is ended."""
    port = free_port()
    settings = {"DATABASE_URL": url, "SUYUAN_SECRET": SECRET.decode(), "SUYUAN_HOME": str(home), "COLUMNS": "300"}
    process = subprocess.Popen(
        [sys.executable, "-m", "service", "run"], env={**os.environ, **settings, "PORT": str(port)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        serves = answers(port, process)
    finally:
        process.terminate()
        output, _ = process.communicate(timeout=60)
    return serves, output


def answers(port, process):
    """Whether the web service answers on `port` before `process` ends."""
    while process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            return b"200" in connection.recv(100)
        time.sleep(0.1)
    return False


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HOST": "192.0.2.1"}, "set HOST"),
        ({"HOST": "x" * 300}, "set HOST"),
        ({"SUYUAN_CHECK_HOURS": "9" * 5_000}, "SUYUAN_CHECK_HOURS"),
        ({"SUYUAN_OIDC": "/nowhere/oidc.yaml"}, "SUYUAN_OIDC"),
    ],
)
def test_run_ends_at_once_on_a_setting_that_cannot_work(tmp_path, variables, expected):
    answer = without_database(tmp_path / "home", "run", PORT=str(free_port()), **variables)
    assert (answer.returncode, expected in answer.stderr, chinese(answer.stderr)) == (2, True, True), answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "home/postgres").exists()


def test_serve_tells_a_setting_that_cannot_work_from_a_port_that_is_taken_now(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port, postgres = (
            str(taken.getsockname()[1]),
            {"DATABASE_URL": "host=/nowhere", "SUYUAN_SECRET": SECRET.decode()},
        )
        for variables, code, expected in (
            ({"PORT": port}, 2, "端口被占用"),
            ({"HOST": "192.0.2.1"}, ExitCode.PERMANENT, "set HOST"),
        ):
            answer = without_database(tmp_path, "serve", **postgres, **variables)
            assert (answer.returncode, expected in answer.stderr) == (code, True), answer.stderr
            assert "Traceback" not in answer.stderr


def test_a_supervisor_learns_that_a_process_has_ended_for_good():
    def start():
        return subprocess.Popen([sys.executable, "-c", f"raise SystemExit({ExitCode.PERMANENT})"])

    with supervised("faulty", start, lambda process: process.wait(), lambda code: code == ExitCode.PERMANENT) as ended:
        assert ended.wait(60)


def test_a_setting_concerns_only_the_commands_that_read_it(api, monkeypatch):
    for name in ("PORT", "SUYUAN_RATE", "SUYUAN_CHECK_HOURS"):
        monkeypatch.setenv(name, "many")
    assert suyuan(api, "list").returncode == 0


@pytest.mark.parametrize(
    ("command", "variables", "expected"),
    [
        (["migrate"], {"SUYUAN_HOME": "{tmp}/" + "x" * 300}, "名称过长 File name too long"),
        (["migrate"], {"SUYUAN_HOME": "{tmp}/loop/home"}, "符号链接循环"),
        (["keys", "list"], {"SUYUAN_SECRET_FILE": "{tmp}/binary"}, "SUYUAN_SECRET_FILE"),
        (["keys", "list"], {"DATABASE_URL": "host=\udcff"}, "is not UTF-8 text: DATABASE_URL"),
        (["keys", "create", "x", "--new", "--scope", "read", "--source", "\udcff"], {}, "--source"),
        (["contract", "{tmp}/binary"], {}, "不是 JSON"),
        (["contract", "{tmp}/list.json"], {}, "不是 OpenAPI 契约"),
        (["schema", "{tmp}/none/schema.sql"], {}, "没有此文件或文件夹"),
    ],
)
def test_what_the_system_refuses_is_reported_in_both_languages(tmp_path, command, variables, expected):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "binary").write_bytes(b"\xff" * 40)
    (tmp_path / "list.json").write_text("[]")
    given = {"SUYUAN_SECRET": "a secret of at least 32 characters", "DATABASE_URL": "host=/nowhere", **variables}
    if "SUYUAN_SECRET_FILE" in given:
        del given["SUYUAN_SECRET"]
    if "SUYUAN_HOME" in given:
        given["DATABASE_URL"] = ""
    filled = {name: text.replace("{tmp}", str(tmp_path)) for name, text in given.items()}
    home = filled.pop("SUYUAN_HOME", str(tmp_path))
    answer = without_database(home, *(each.replace("{tmp}", str(tmp_path)) for each in command), **filled)
    assert (answer.returncode, expected in answer.stderr) == (2, True), answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_current_folder_that_was_deleted_is_named(tmp_path):
    source = "import os, tempfile; from service.cli import main; folder = tempfile.mkdtemp(); os.chdir(folder)\n"
    source += "os.rmdir(folder); import sys; sys.argv = ['suyuan', 'keys', 'list']; main()"
    environment = {**os.environ, "SUYUAN_HOME": "", "DATABASE_URL": ""}
    answer = subprocess.run(
        [sys.executable, "-c", source], env=environment, capture_output=True, text=True, check=False
    )
    assert (answer.returncode, "当前文件夹已被删除" in answer.stderr) == (2, True), answer.stderr


def written_to(stdout, api, *arguments):
    """Run a command whose standard output is the file `stdout`."""
    environment = {**os.environ, "DATABASE_URL": api.url, "SUYUAN_SECRET": SECRET.decode()}
    command = [sys.executable, "-m", "service", *arguments]
    return subprocess.run(command, env=environment, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)


@pytest.fixture
def closed_pipe():
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.parametrize("arguments", [["keys", "list"], ["keys", "list", "--json"], ["--help"]])
def test_a_command_whose_reader_has_gone_ends_with_141(api, closed_pipe, arguments):
    answer = written_to(closed_pipe, api, *arguments)
    assert (answer.returncode, "Error" in answer.stderr, "Traceback" in answer.stderr) == (141, False, False)


def test_a_key_that_cannot_be_shown_is_not_created(api, closed_pipe):
    create = ["keys", "create", "lost", "--scope", "read"]
    assert written_to(closed_pipe, api, *create).returncode == 141
    with Path("/dev/full").open("w") as full:
        answer = written_to(full, api, *create)
    assert (answer.returncode, "磁盘已满" in answer.stderr, "Traceback" in answer.stderr) == (2, True, False)
    environment = {**os.environ, "DATABASE_URL": api.url, "SUYUAN_SECRET": SECRET.decode()}
    shell = ["sh", "-c", '"$0" -m service keys create lost --scope read >&-', sys.executable]
    assert subprocess.run(shell, env=environment, capture_output=True, check=False).returncode == 2
    assert "lost" not in suyuan(api, "list").stdout


def test_an_interrupt_while_python_ends_leaves_no_traceback():
    source = INTERRUPTED.format(module="none", plan=str(example.PLAN)).replace(
        "main()", "import atexit; atexit.register(signal.raise_signal, signal.SIGINT); main()"
    )
    answer = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (-signal.SIGINT, "")


def test_the_location_is_that_of_the_connection(api, tmp_path):
    parts = psycopg.conninfo.conninfo_to_dict(api.url)
    service = tmp_path / "services"
    service.write_text("[ledger]\n" + "".join(f"{name}={value}\n" for name, value in parts.items()))
    variables = {"PGSERVICEFILE": str(service), "SUYUAN_SECRET": SECRET.decode()}
    for home in (tmp_path, "/"):  # each socket's folder is under /
        answer = without_database(home, "keys", "list", DATABASE_URL="service=ledger", **variables)
        assert f"账簿 ledger: {parts['host']}:{parts['port']}/{parts['dbname']}\n" in answer.stderr


def test_commands_that_read_work_on_a_read_only_database_and_claim_no_secret(sample_copy):
    with psycopg.connect(sample_copy.url, autocommit=True) as conn:
        conn.execute("delete from secret")
        conn.execute(
            "do $$ begin execute format("
            "'alter database %I set default_transaction_read_only = on', current_database()); end $$"
        )
    for arguments in (["keys", "list"], ["keys", "history"], ["reconcile", str(STATEMENT), "--fund", FUND]):
        answer = run(sample_copy, *arguments)
        assert (answer.returncode, bool(answer.stdout)) == (int(arguments[0] == "reconcile"), True), answer.stderr
    refused = suyuan(sample_copy, "create", "bank", "--scope", "read")
    assert (refused.returncode, "数据库只读" in refused.stderr) == (2, True)
    with psycopg.connect(sample_copy.url) as conn:
        assert conn.execute("select * from secret").fetchall() == []


def test_a_key_is_limited_to_sources_that_posts_may_have_and_all_are_listed(api):
    for source in ("", " /a", "x" * 257):
        answer = suyuan(api, "create", "bank", "--scope", "read", "--source", source)
        assert (answer.returncode, chinese(answer.stderr)) == (2, True)
    sources = [f"/{number}{'x' * 250}" for number in range(5)]
    assert suyuan(api, "create", "bank", "--scope", "read", *(f"--source={each}" for each in sources)).returncode == 0
    listed = written_to(subprocess.PIPE, api, "keys", "list").stdout
    assert " ".join(sources) in listed
    [bank] = [key for key in json.loads(suyuan(api, "list", "--json").stdout) if key["name"] == "bank"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00", bank["created_at"])


def test_the_projector_stops_at_a_secret_that_is_not_the_ledgers(api):
    settings = {
        "DATABASE_URL": api.url,
        "SUYUAN_HOME": "/nowhere",
        "SUYUAN_SECRET": "another secret of these tests, 32",
    }
    assert run(api, "keys", "create", "first", "--scope", "read").returncode == 0  # the ledger has its secret
    answer = run_command("projector", env={**os.environ, **settings})
    assert (answer.returncode, "与建库时不同" in answer.stderr) == (ExitCode.PERMANENT, True), answer.stderr


ELSEWHERE = {
    "PGHOSTADDR": "127.0.0.1",
    "PGTARGETSESSIONATTRS": "standby",
    "PGSERVICE": "none",
    "PGREQUIREAUTH": "none",
    "PGCLIENTENCODING": "GBK",
    "PGDATESTYLE": "German",
    "PGOPTIONS": "-c search_path=pg_temp",
}
"""The environment variables of libpq, with values that would select another server and other formats."""


def test_variables_for_another_server_change_nothing_of_the_embedded_one(tmp_path):
    made = without_database(tmp_path, "keys", "create", "reader", "--scope", "read", "--new", **ELSEWHERE)
    assert (made.returncode, f"账簿 ledger: {tmp_path}" in made.stderr) == (0, True), made.stderr
    [key] = json.loads(without_database(tmp_path, "keys", "list", "--json").stdout)
    assert key["name"] == "reader"


@pytest.mark.parametrize("name", ["PGCLIENTENCODING", "PGDATESTYLE", "PGOPTIONS"])
def test_the_form_in_which_values_are_exchanged_does_not_depend_on_the_environment(api, monkeypatch, name):
    monkeypatch.setenv(name, ELSEWHERE[name])
    listed = run(api, "keys", "list", "--json")
    assert (listed.returncode, {each["name"] for each in json.loads(listed.stdout)} >= {"all"}) == (0, True)
