"""The command `suyuan load-plan`: the files it reads, the files it refuses, and the state of the ledger afterwards."""

import os
import subprocess
import sys

import psycopg
import pytest

from service import example
from service.yaml_file.document import MAX_BYTES
from tests.service.commands import run_command
from tests.service.conftest import SECRET
from tests.service.test_plan_file import OTHER


@pytest.fixture
def plan(tmp_path):
    """A function that writes a plan file and returns its path."""

    def write(text, name="plan.yaml"):
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return file

    return write


def load(*arguments, piped=None, **variables):
    """Run `suyuan load-plan`. If `piped` is given, it is sent to the standard input through a pipe."""
    inherited = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "COLUMNS")}
    if piped is None:
        return run_command("load-plan", *arguments, env={**inherited, **variables})
    return subprocess.run(
        [sys.executable, "-m", "service", "load-plan", *map(str, arguments)],
        env={**inherited, **variables},
        input=piped,
        capture_output=True,
        text=True,
        check=False,
    )


def load_into(api, *arguments, **options):
    options = {"actor": "甲", **options}
    settings = {"DATABASE_URL": api.url, "SUYUAN_SECRET": SECRET.decode(), "SUYUAN_HOME": "/nowhere"}
    return load(*arguments, "--actor", options["actor"], **settings)


def shows_no_traceback(answer):
    return "Traceback" not in answer.stderr and any("\u4e00" <= each <= "\u9fff" for each in answer.stderr)


def test_a_plan_is_read_once_so_it_may_come_from_a_pipe():
    good = load("--check", "/dev/stdin", piped=OTHER)
    assert good.returncode == 0, good.stderr
    for was, becomes, path in (
        ("total: 7000.67", "total: 7000", "plan.projects[1].total"),
        ("kind: 纪要", "kind: 合同", "plan.documents"),
        ("code: other-2020", "code: OTHER", "fund.code"),
    ):
        bad = load("--check", "/dev/stdin", piped=OTHER.replace(was, becomes))
        assert bad.returncode == 1
        assert f": {path}: " in bad.stderr
        assert "Traceback" not in bad.stderr


def unreadable(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    (tmp_path / "folder").mkdir()
    (tmp_path / "large").write_bytes(b"#" * (MAX_BYTES + 1))
    (tmp_path / "nul").write_bytes(b"format: suyuan-plan/1\nfund: \x00\n")
    (tmp_path / "gbk").write_bytes("format: suyuan-plan/1\nfund:\n  name: 资金\n".encode("gbk"))
    (tmp_path / "utf-16").write_bytes(OTHER.encode("utf-16"))
    (tmp_path / "a\x1b[31m\nb").mkdir()
    return {
        loop: "符号链接循环 Too many levels of symbolic links",
        tmp_path / "folder": "是文件夹，不是文件 Is a directory",
        tmp_path / "none": "没有此文件或文件夹 No such file or directory",
        tmp_path / "gbk" / "plan.yaml": "不是文件夹 Not a directory",
        tmp_path / ("x" * 300): "名称过长 File name too long",
        tmp_path / "large": "超过 8 MiB it is larger than 8 MiB",
        tmp_path / "nul": "nul:2: YAML: 含有不允许的字符 U+0000 the character U+0000 is not allowed",
        tmp_path / "gbk": "gbk:3: YAML: 须为 UTF-8 编码 it must be in UTF-8",
        tmp_path / "utf-16": "utf-16:1: YAML: 须为 UTF-8 编码 it must be in UTF-8",
        tmp_path / "a\x1b[31m\nb": r"a\x1b[31m\nb: 是文件夹，不是文件",
    } | ({} if os.geteuid() else {"/proc/self/mem": "/proc/self/mem: 读写出错 Input/output error"})


def test_a_file_that_is_not_readable_text_gets_a_message(tmp_path):
    for file, message in unreadable(tmp_path).items():
        answer = load("--check", file)
        assert answer.returncode == (1 if "YAML" in answer.stderr else 2)
        assert message in answer.stderr
        assert len(answer.stderr.splitlines()) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_gets_a_message(plan):
    file = plan(OTHER)
    file.chmod(0)
    assert "无权访问 Permission denied" in load("--check", file).stderr


@pytest.mark.parametrize(
    ("was", "becomes", "actor"),
    [
        ("unit: 元", "unit: 亿元", "甲"),
        ("code: other-2020", "code: OTHER", "甲"),
        ("kind: 纪要", "kind: 合同", "甲"),
        ("unit: 元", "unit: 元", "x" * 101),
        ("unit: 元", "unit: 元", None),
    ],
)
def test_a_plan_that_is_refused_creates_no_ledger(tmp_path, plan, was, becomes, actor):
    home = tmp_path / "var"
    file, given = plan(OTHER.replace(was, becomes)), ["--actor", actor] if actor else []
    answer = load("--new", file, *given, SUYUAN_HOME=str(home))
    assert answer.returncode != 0
    assert shows_no_traceback(answer)
    assert not home.exists()


def test_a_plan_is_loaded_once_and_a_changed_one_is_refused_with_what_differs(api, plan):
    assert "12 项提交入账" in load_into(api, plan(OTHER)).stdout
    assert "0 项提交入账" in load_into(api, plan(OTHER)).stdout
    changed = (
        OTHER.replace("name: 乙项目", "name: 丙项目")
        .replace("示例财〔2020〕1号", "示例财〔2020〕9号")
        .replace("{1: 2000, 2: 3000, 3: 345}", "{1: 2000, 2: 3001, 3: 344}")
        .replace("total: 4000.50", "total: 4001.50")
        .replace("total: 5345.17", "total: 5344.17")
    )
    answer = load_into(api, plan(changed, "changed.yaml"))
    assert answer.returncode == 1
    for path, was in (
        ("fund.documents[1].number", "示例财〔2020〕1号"),
        ("plan.batches[2].total", "4000.50"),
        ("plan.projects[2].amounts.2", "3000.00"),
        ("plan.projects[2].name", "乙项目"),
    ):
        name = path.rpartition(".")[2]
        [line] = [each for each in answer.stderr.splitlines() if f"{path}: 与已登记的不同，登记的是 {was} " in each]
        number = int(line.split("changed.yaml:")[1].split(":")[0])
        assert f"{name}: " in changed.splitlines()[number - 1]
    assert "PlanRevised" in answer.stderr.splitlines()[-2]
    assert "PlanRevised" in answer.stderr.splitlines()[-1]
    assert "Traceback" not in answer.stderr


def test_a_plan_with_more_or_fewer_projects_than_the_loaded_one_is_refused_at_its_projects(api, plan):
    load_into(api, plan(OTHER))
    fewer = OTHER[: OTHER.index("    - code: other-b")].replace("3000}", "1000}").replace("4000.50}", "1000.50}")
    fewer = fewer.replace("5345.17}", "5000.17}").replace("total: 12345.67", "total: 7000.67")
    answer = load_into(api, plan(fewer))
    assert ": plan.projects: 与已登记的不同 it differs" in answer.stderr


def test_a_plan_that_is_loaded_again_by_another_person_is_refused_once_naming_the_option(api, plan):
    load_into(api, plan(OTHER))
    answer = load_into(api, plan(OTHER), actor="乙")
    *_, only, advice_zh, _ = answer.stderr.splitlines()
    assert only == "--actor: 与已登记的不同，登记的是 甲 it differs from what is recorded: 甲"
    assert "改回原来的内容和经办人" in advice_zh
    assert answer.stderr.count("--actor:") == 1


def test_a_default_that_is_now_written_out_is_reported_at_its_block(api, plan):
    load_into(api, plan(OTHER))
    answer = load_into(api, plan(OTHER.replace("acceptance_tries: 1", "acceptance_tries: 1, idle_days: 180")))
    assert ": fund: 与已登记的不同 it differs" in answer.stderr


def test_a_fund_code_that_another_post_has_used_is_refused_at_its_line(api, plan):
    settings = {"notice_working_days": 5, "approvals": [], "acceptance_tries": 1}
    founded = api.event("FundEstablished", "fund/other-2020", cites=("立项依据",), name="甲", settings=settings)
    assert api.post(founded, "all").status_code == 201
    answer = load_into(api, plan(OTHER))
    assert answer.returncode == 1
    assert "plan.yaml:4: fund.code: 专项资金代码 other-2020 已被使用。" in answer.stderr


BREAKS = """
create function breaks() returns trigger language plpgsql as
$$ begin raise exception 'the server shuts down' using errcode = 'admin_shutdown'; end $$;
create trigger breaks before insert on post execute function breaks();
"""


def test_a_ledger_that_cannot_be_reached_while_it_records_is_reported_without_a_traceback(api):
    with psycopg.connect(api.url, autocommit=True) as conn:
        conn.execute(BREAKS)
    answer = load_into(api, example.PLAN)
    assert answer.returncode == 2
    assert shows_no_traceback(answer)
    assert "账簿连接中断" in answer.stderr
