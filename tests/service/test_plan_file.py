"""A plan file with three batches and with other projects, gates and names than the example; and refused plan files."""

import re
import textwrap
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from domain.fund.lifecycle import FundEstablished
from domain.money import Money
from domain.state.fund import NoticeOrder, Selection, Settings, Share, Support
from service import example
from service.api.posting import cloudevents
from service.calendar.working_days import Calendar
from service.cli import plan_check
from service.example import life
from service.plans import plan_file, plan_format
from service.plans.plan_format import read_plan
from service.yaml_file.document import FileWrong, document_of
from service.yaml_file.kinds import Reading, many
from service.yaml_file.yaml_lines import Text, load
from tests.service.conftest import SECRET

OTHER = """
format: suyuan-plan/1
fund:
  code: other-2020
  name: 另一区县产业扶持专项资金
  established_on: 2020-01-06
  settings: {notice_working_days: 3, approvals: [审批], acceptance_tries: 1}
  documents: [{kind: 立项依据, number: 示例财〔2020〕1号}]
appropriation:
  amount: 12345.67
  budget_year: 2020
  received_on: 2020-01-08
  documents: [{kind: 本级指标文号, number: 示例预〔2020〕2号}]
plan:
  title: 另一份计划
  unit: 元
  drafted_on: 2020-02-03
  adopted_on: 2020-02-10
  allotted_on: 2020-02-12
  documents: [{kind: 纪要, number: 示例纪〔2020〕3号}]
  allotment_documents: [{kind: 指标文, number: 示例预〔2020〕4号}]
  tasks:
    - {code: 甲, name: 甲任务}
    - {code: 乙, name: 乙任务}
  batches:
    - {batch: 1, name: 启动款, gate: award, total: 3000}
    - {batch: 2, name: 中期款, gate: agreement, total: 4000.50}
    - {batch: 3, name: 尾款, gate: acceptance, total: 5345.17}
  total: 12345.67
  projects:
    - code: other-a
      number: 1
      name: 甲项目
      tasks: [甲]
      awards: {max: 4}
      fixed_total: true
      amounts: {1: 1000, 2: 1000.50, 3: 5000.17}
      total: 7000.67
    - code: other-b
      number: 2
      name: 乙项目
      tasks: [甲, 乙]
      awards: {exact: 2}
      amounts: {1: 2000, 2: 3000, 3: 345}
      total: 5345
"""


@pytest.fixture
def other(tmp_path):
    def write(text):
        file = tmp_path / "plan.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def test_a_plan_with_three_batches_and_other_gates_and_names_runs_through_its_whole_life(api, other):
    setup = list(plan_file.posts(plan_file.read(other(OTHER)), "测试"))
    posted = []
    post = example.poster(api.app.extensions["ledger"], SECRET, lambda: posted.append(1))
    for event in setup:
        post(event)
    life.play_first_part(post, setup, Calendar().working_days)
    api.fold()
    answer = api.get("/v1/funds/other-2020/balances").json
    assert [(r["batch"], r["planned"], r["allotted"]) for r in answer["rows"]] == [
        (1, "3000.00", "3000.00"),
        (2, "4000.50", "4000.50"),
        (3, "5345.17", "5345.17"),
    ]
    assert all(Decimal(row["paid"]) > 0 for row in answer["rows"])
    plan = api.get("/v1/funds/other-2020/plan").json
    assert [b["name"] for b in plan["total"]["batches"]] == ["启动款", "中期款", "尾款"]
    assert [r["task"] for r in api.get("/v1/funds/other-2020/balances?by=task").json["rows"]] == ["甲", "甲、乙"]
    page = api.get("/", key=None).text
    assert "中期款" in page
    assert api.get("/v1/fen/1234566").status_code == 200
    assert api.get("/v1/fen/1234567").status_code == 404
    # A second run records nothing.
    head = len(posted), api.get("/readyz").json["log_position"]
    for event in setup:
        post(event)
    life.play_first_part(post, setup, Calendar().working_days)
    assert (len(posted), api.get("/readyz").json["log_position"]) == (2 * head[0], head[1])


def test_a_plan_may_contain_every_setting_of_its_fund(other):
    more = (
        "acceptance_tries: 1, notice_order: after_decision, rectification_months: 3, quantum: 100, "
        "years_to_spend: 3, period_close_days: 15, idle_days: 90, december_percent: 40, reconcile_before_close: true, "
        "applications_per_recipient: 2"
    )
    text = OTHER.replace("acceptance_tries: 1", more).replace("approvals: [审批]", "approvals: []")
    [founding, *_] = plan_file.posts(plan_file.read(other(text)), "测试")
    established = cloudevents.parse_post(cloudevents.parse_envelope(founding), "test", SECRET).posted.fact
    assert isinstance(established, FundEstablished)
    every = Settings(
        3, (), 1, NoticeOrder.AFTER_DECISION, 3, Money(10_000), 3, 15, 90, 40,
        reconcile_before_close=True, applications_per_recipient=2,
    )  # fmt: skip
    assert established.settings == every


@pytest.mark.parametrize(
    ("was", "becomes", "path", "allowed"),
    [
        ("format: suyuan-plan/1", "format: suyuan-plan/2", "format", "suyuan-plan/1"),
        ("unit: 元", "unit: 亿元", "plan.unit", "分, 元, 万元"),
        ("amount: 12345.67", "amount: 12345.678", "appropriation.amount", "12345.678"),
        ("amount: 12345.67", "amount: １２", "appropriation.amount", "12.5"),
        ("amount: 12345.67", "amount: nan", "appropriation.amount", "12.5"),
        ("amount: 12345.67", "amount: [1]", "appropriation.amount", "single value"),
        ("gate: agreement", "gate: whenever", "plan.batches[2].gate", "award, agreement, acceptance"),
        ("awards: {max: 4}", "awards: {max: many}", "plan.projects[1].awards.max", "whole number"),
        ("fixed_total: true", "fixed_total: yes", "plan.projects[1].fixed_total", "true, false"),
        ("fixed_total: true", "fixed_totl: true", "plan.projects[1].fixed_totl", "fixed_total"),
        ("acceptance_tries: 1", "acceptance_tries: 1, appeals: 2", "fund.settings.appeals", "acceptance_tries"),
        ("awards: {max: 4}", "awards: {max: 4, exact: 4}", "plan.projects[1].awards", "{exact: n}"),
        ("amounts: {1: 2000, 2", "amounts: {1: 2000, 7", "plan.projects[2].amounts.7", "1, 2, 3"),
        ("tasks: [甲, 乙]", "tasks: [甲, 丙]", "plan.projects[2].tasks[2]", "丙"),
        ("adopted_on: 2020-02-10", "adopted_on: 2020-02-30", "plan.adopted_on", "2019-05-20"),
        ("tasks: [甲]\n", "\n", "plan.projects[1].tasks", "missing"),
        ("  total: 12345.67", "  total: 12345.67\n  total: 1", "YAML", "twice"),
        ("plan:", "plan: [\n", "YAML", "YAML"),
        ("title: 另一份计划", "title: &a 另一份计划\n  more: *a", "YAML", "aliases"),
    ],
)
def test_a_wrong_plan_file_is_refused_with_its_line_field_and_what_is_allowed(other, was, becomes, path, allowed):
    assert was in OTHER
    changed = OTHER.replace(was, becomes, 1)
    with pytest.raises(FileWrong) as refused:
        plan_file.read(other(changed))
    wrong = next(each for each in refused.value.wrong if each.path == path)
    before, now = OTHER.splitlines(), changed.splitlines()
    first = next(n for n, (old, new) in enumerate(zip(before, now, strict=False), 1) if old != new)
    assert abs(wrong.line - first) <= (6 if allowed in ("missing", "YAML") else 1), (wrong, first)
    assert allowed in f"{wrong.zh} {wrong.en}"
    assert f"plan.yaml:{wrong.line}: {path}: " in str(refused.value)


def test_a_line_may_name_its_checkpoints_and_its_own_gates(other):
    named = "tasks: [甲]\n      checkpoints: [中期检查, 终期验收]\n      gates: {2: 中期检查}\n"
    file = other(OTHER.replace("tasks: [甲]\n", named, 1))
    check(file)
    [first, second] = next(
        event["data"]["lines"]
        for event in plan_file.posts(plan_file.read(file), "测试")
        if event["type"] == "PlanDrafted"
    )
    assert first["checkpoints"] == ["中期检查", "终期验收"]
    assert [batch["gate"] for batch in first["batches"]] == ["award", "中期检查", "acceptance"]
    assert "checkpoints" not in second
    assert [batch["gate"] for batch in second["batches"]] == ["award", "agreement", "acceptance"]


def test_a_line_may_say_its_objective_its_kind_of_support_and_its_goals(other):
    said = "objective: 建设平台，服务企业\n      support: after\n      goals: [{name: 专利, target: 20, unit: 件}]\n"
    file = other(OTHER.replace("tasks: [甲]\n", f"tasks: [甲]\n      {said}", 1))
    check(file)
    drafted = next(each for each in plan_file.posts(plan_file.read(file), "测试") if each["type"] == "PlanDrafted")
    first, second = drafted["data"]["lines"]
    assert first["goals"] == [{"name": "专利", "target": "20", "unit": "件"}]
    assert (first["objective"], first["support"]) == ("建设平台，服务企业", "after")
    assert {"objective", "support", "goals"}.isdisjoint(second)


ANNEX = "annex: {label: 附件2, title: 安排表, headings: {name: 项目, sum: 总计}}"


def test_a_plan_may_say_how_its_annex_is_printed_and_what_its_draft_rests_on(api, other):
    bases = "draft_documents: [{kind: 实施方案, number: 示例函〔2020〕1号}]"
    file = other(OTHER.replace("  total: 12345.67", f"  total: 12345.67\n  {ANNEX}\n  {bases}"))
    check(file)
    drafted = next(each for each in plan_file.posts(plan_file.read(file), "测试") if each["type"] == "PlanDrafted")
    assert drafted["data"]["annex"] == {
        "label": "附件2", "title": "安排表", "unit": "元", "headings": {"name": "项目", "sum": "总计"},
    }  # fmt: skip
    assert drafted["data"]["documents"] == [{"kind": "实施方案", "number": "示例函〔2020〕1号"}]
    post = example.poster(api.app.extensions["ledger"], SECRET, lambda: None)
    for event in plan_file.posts(plan_file.read(file), "测试"):
        post(event)
    api.fold()
    head, _, table = api.get("/v1/funds/other-2020/annex.txt").text.partition("\n\n")
    assert head == "附件2\n另一份计划"
    caption, title, header, first, *_, total = table.splitlines()
    assert (caption, title) == ("附表", "安排表")
    assert header.split("\t") == [
        "实施方案", "主要任务", "序号", "项目", "项数", "总金额(元)", "启动款(元)", "中期款(元)", "尾款(元)",
    ]  # fmt: skip
    assert first.split("\t") == ["（甲）", "甲任务", "1", "甲项目", "不超过4个", "7000.67", "1000", "1000.5", "5000.17"]
    assert total.split("\t")[3:] == ["总计", "", "12345.67", "3000", "4000.5", "5345.17"]


def test_a_plan_without_an_annex_makes_the_event_that_it_made_before_there_was_one(other):
    drafted = next(each for each in plan_file.posts(plan_file.read(other(OTHER)), "测试") if each["id"] == "drafted")
    assert drafted["data"]["documents"] == []
    assert set(drafted["data"]) == {
        "occurred_on", "actor", "documents", "title", "total", "tasks", "batches", "lines",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("annex", "path", "allowed"),
    [
        ("{subtitle: 安排表}", "plan.annex.subtitle", "可用 label, caption, title, headings"),
        ("{unit: 万元}", "plan.annex.unit", "可用 label, caption, title, headings"),
        ("附件1", "plan.annex", "label, caption, title, headings"),
        ("{headings: {project: 项目}}", "plan.annex.headings.project", "可用 scheme, tasks, number, name, awards"),
        ("{headings: {name: [项目]}}", "plan.annex.headings.name", "须为单个值"),
        ("{headings: 项目}", "plan.annex.headings", "scheme, tasks, number, name, awards, total, sum"),
        ("{label: 一个超过了二十个字的附件号是印不下的因为太长了}", "plan.annex.label", "1 至 20 个字符"),
    ],
)
def test_a_wrong_annex_is_refused_with_its_line_field_and_what_is_allowed(other, annex, path, allowed):
    changed = OTHER.replace("  total: 12345.67", f"  total: 12345.67\n  annex: {annex}")
    with pytest.raises(FileWrong) as refused:
        check(other(changed))
    [wrong] = refused.value.wrong
    assert (wrong.path, changed.splitlines()[wrong.line - 1]) == (path, f"  annex: {annex}")
    assert allowed in wrong.zh


EVERY_FIELD = Path(__file__).parents[2] / "docs" / "plan-every-field.yaml"


def test_the_file_with_every_field_is_valid_and_has_every_field_of_the_format():
    """An unknown field is added to each block, since its error lists the fields that the block may have."""
    check(EVERY_FIELD)
    document = document_of(EVERY_FIELD, EVERY_FIELD.read_text(encoding="utf-8"))
    used = defaultdict(set)
    for path, block in blocks(document):
        used[path] |= set(block)
        block["unknown"], block.lines["unknown"] = Text("1"), 0
    _, wrong = read_plan(document)
    allowed = defaultdict(set)
    for each in wrong:
        place, _, name = each.path.rpartition(".")
        assert name == "unknown", each
        allowed[re.sub(r"\[\d+\]", "", place)] |= set(each.zh.partition("可用 ")[2].split(", "))
    documents = {path for path in used if path.endswith("documents")}
    assert set().union(*(used.pop(path) for path in documents)) == allowed["fund.documents"]
    assert used[""] | {"appropriation"} == allowed[""], "one appropriation, or several"
    for path in used.keys() - {""}:
        assert used[path] == allowed[path], path


def blocks(value, path=""):
    """The blocks of fields in a document, each with its path without the numbers of list items."""
    if isinstance(value, list):
        for each in value:
            yield from blocks(each, path)
    elif isinstance(value, dict) and not path.endswith((".amounts", ".gates", ".awards")):
        yield path, value
        for name, each in list(value.items()):
            yield from blocks(each, f"{path}.{name}".lstrip("."))


def test_the_file_with_every_field_has_each_kind_of_line():
    projects = plan_file.read(EVERY_FIELD).plan["plan"]["projects"]
    for field, kinds in (("support", Support), ("share", Share), ("selection", Selection)):
        assert {line[field] for line in projects if field in line} == set(kinds)
    assert {line["awards"][0] for line in projects} == {"exact", "max"}
    assert any(line.get("share") == Share.BY_SCORE and line.get("fixed_total") for line in projects)


def test_the_gate_of_a_batch_may_be_a_checkpoint_that_all_its_lines_have(other):
    both = OTHER.replace("awards:", "checkpoints: [中期检查, 终期验收]\n      awards:").replace("agreement", "中期检查")
    check(other(both))
    one = both.replace("      checkpoints: [中期检查, 终期验收]\n", "", 1)
    with pytest.raises(
        FileWrong, match=r"plan.batches\[2\].gate: 须为 award, agreement, acceptance 之一，不能是 中期检查"
    ):
        plan_file.read(other(one))


@pytest.mark.parametrize(
    ("added", "path"),
    [
        ("checkpoints: [中期, 中期]", "plan.projects[1].checkpoints[2]"),
        ("checkpoints: [award, 终期]", "plan.projects[1].checkpoints[1]"),
        ("gates: {2: 中期}", "plan.projects[1].gates.2"),
        ("support: 前补助", "plan.projects[1].support"),
        ("goals: [{name: 专利, target: 1}, {name: 专利, target: 2}]", "plan.projects[1].goals[2].name"),
        ("gates: {7: award}", "plan.projects[1].gates.7"),
        ("gates: {2: }", "plan.projects[1].gates.2"),
        ("checkpoints: [一个名称超过二十个字的检查点是不能用的因为太长了]", "plan.projects[1].checkpoints[1]"),
    ],
)
def test_wrong_checkpoints_and_gates_of_a_line_are_reported_where_they_are(other, added, path):
    with pytest.raises(FileWrong) as refused:
        check(other(OTHER.replace("tasks: [甲]\n", f"tasks: [甲]\n      {added}\n", 1)))
    assert [each.path for each in refused.value.wrong] == [path]


def test_an_amount_in_a_plan_never_becomes_a_float(other):
    events = list(plan_file.posts(plan_file.read(other(OTHER)), "测试"))
    amounts = [e["data"]["amount"] for e in events if e["type"] == "FundsAllotted"]
    assert amounts == ["1000.00", "1000.50", "5000.17", "2000.00", "3000.00", "345.00"]


def check(file):
    """Check the plan file `file` as `suyuan load-plan --check` does. Raises FileWrong."""
    return plan_check.checked(plan_file.parse(file), "测试")


@pytest.mark.parametrize(
    ("was", "becomes", "path"),
    [
        ("code: other-2020", "code: 其他", "fund.code"),
        ("established_on: 2020-01-06", "established_on: 1900-01-06", "fund.established_on"),
        ("received_on: 2020-01-08", "received_on: 1900-01-08", "appropriation.received_on"),
        ("amount: 12345.67", "amount: 0", "appropriation.amount"),
        ("budget_year: 2020", "budget_year: 20", "appropriation.budget_year"),
        ("drafted_on: 2020-02-03", "drafted_on: 2999-02-03", "plan.drafted_on"),
        ("allotted_on: 2020-02-12", "allotted_on: 2999-02-12", "plan.allotted_on"),
        ("kind: 立项依据", "kind: 局文", "fund.documents"),
        ("kind: 纪要", "kind: 合同", "plan.documents"),
        ("kind: 指标文", "kind: 局文", "plan.allotment_documents"),
        ("total: 4000.50}", "total: 4000.51}", "plan.batches[2].total"),
        ("  total: 12345.67", "  total: 12345.68", "plan.total"),
        ("total: 7000.67", "total: 7000.66", "plan.projects[1].total"),
        ("number: 2\n", "number: 1\n", "plan.projects[2].number"),
        ("code: other-b", "code: other-a", "plan.projects[2].code"),
        ("code: other-b", "code: B", "plan.projects[2].code"),
        ("{batch: 2, name", "{batch: 1, name", "plan.batches[2].batch"),
        ("{code: 乙, name", "{code: 甲, name", "plan.tasks[2].code"),
        ("{max: 4}", "{max: 0}", "plan.projects[1].awards"),
    ],
)
def test_what_a_rule_refuses_in_a_plan_file_is_reported_with_its_line_and_field(other, was, becomes, path):
    assert was in OTHER
    file = other(OTHER.replace(was, becomes, 1))
    with pytest.raises(FileWrong) as refused:
        check(file)
    [first, *_] = [each for each in refused.value.wrong if each.path == path]
    field = re.sub(r"\W.*", "", path.rpartition(".")[2])
    assert f"{field}: " in f"{file.read_text(encoding='utf-8').splitlines()[first.line - 1]} "
    assert "None" not in str(first)


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a list\n", "text\n"])
def test_a_file_without_fields_is_refused_with_a_line_and_what_it_must_have(other, text):
    with pytest.raises(FileWrong) as refused:
        plan_file.read(other(text))
    assert re.search(r"plan\.yaml:1: 文件 file: 须有下级字段 .*format, fund, plan", str(refused.value))


@pytest.mark.parametrize("body", ["x", "[1]", ""])
def test_a_plan_that_has_no_fields_is_refused(other, body):
    with pytest.raises(FileWrong) as refused:
        plan_file.read(other(OTHER[: OTHER.index("plan:\n")] + f"plan: {body}\n"))
    assert any(each.path == "plan" for each in refused.value.wrong)


DOCS = Path(__file__).parents[2] / "docs"
KINDS = {
    "settings": plan_format.SETTINGS, "annex": plan_format.ANNEX, "sources": many(plan_format.SOURCE),
    "appropriations": many(plan_format.ONE_OF_SEVERAL), "batches": many(plan_format.BATCH),
    "projects": many(plan_format.LINE),
}  # fmt: skip


@pytest.mark.parametrize("guide", ["plan-format.md", "zh/plan-file.md"])
def test_each_part_of_a_plan_file_that_a_guide_shows_has_only_fields_of_the_format(guide):
    shown = re.findall("```yaml\n( *[-a-z].*?)```", (DOCS / guide).read_text(encoding="utf-8"), re.DOTALL)
    parts, reading = [], Reading(10**6)
    for text in shown:
        part = load(textwrap.dedent(text))
        whole = {"projects": part} if isinstance(part, list) else {**part, **part.get("plan", {})}
        parts += [(name, value) for name, value in whole.items() if name in KINDS]
    assert {name for name, _ in parts} == set(KINDS)
    for name, value in parts:
        KINDS[name](value, name, reading)
    assert reading.wrong == []
    lines = [line for name, value in parts if name == "projects" for line in value]
    for field in ("checkpoints", "gates", "share", "fixed_total", "selection", "support", "goals", "objective"):
        assert any(field in line for line in lines), f"docs/{guide}: show a line with {field}"
    assert any(
        set(settings) == {*plan_format.REQUIRED_SETTINGS, *plan_format.OPTIONAL_SETTINGS}
        for name, settings in parts
        if name == "settings"
    )


GUIDE = (DOCS / "zh/plan-file.md").read_text(encoding="utf-8")
EXAMPLE = re.search("```yaml\n(format.*?)```", GUIDE, re.DOTALL)[1]
CHANGES = {
    "format: 须为 suyuan-plan/1 之一，不能是 …": ("suyuan-plan/1", "suyuan/1"),
    "fund.settings.…: 没有此字段，可用 …": ("notice_working_days", "notice_workdays"),
    "plan.allotted_on: 缺少此字段，须为日期，如 …": ("  allotted_on: 2026-02-18\n", ""),
    "YAML: 名称重复: …": ("  unit: 万元", "  unit: 万元\n  unit: 元"),
    "YAML: YAML 格式错误": ("  unit: 万元", "\tunit: 万元"),
    "plan.batches[1].gate: 须为 award, agreement, acceptance 之一，不能是 …": ("gate: agreement", "gate: contract"),
    "plan.unit: 须为 分, 元, 万元 之一，不能是 …": ("unit: 万元", "unit: 千元"),
    "plan.total: 须为金额，如 1000 或 12.5，不能是 …": ("  total: 300", "  total: 3,00"),
    "appropriation.amount: … 不是整分": ("amount: 300", "amount: 300.0000001"),
    "plan.drafted_on: 须为日期，如 …": ("drafted_on: 2026-02-02", "drafted_on: 2026年2月2日"),
    "plan.projects[2].amounts.3: 计划中没有 …，可用 …": ("{1: 60, 2: 40}", "{1: 60, 3: 40}"),
    "plan.projects[1].tasks[1]: 计划中没有 …，可用 …": ("tasks: [一]", "tasks: [三]"),
    "plan.projects[1].code: …须为小写字母、数字和连字符…": ("code: sci-2026-01", "code: SCI-01"),
    "plan.projects[2].number: 计划中 序号 … 重复": ("number: 2\n", "number: 1\n"),
    "plan.projects[1].total: 计划合计不符：… 填报 …，实际合计 …": ("total: 200", "total: 201"),
    "fund.name: 没有值（…": ("name: 示例区科技创新专项资金", "name:"),
    "plan.tasks: 列表不能为空": (
        "tasks:\n    - {code: 一, name: 支持研发平台}\n    - {code: 二, name: 培育科技企业}",
        "tasks: []",
    ),
    "appropriation.amount: 须大于零，至多 …": ("amount: 300", "amount: 0"),
    "plan.batches[2].batch: 计划中 批次 … 重复": ("batch: 2", "batch: 1"),
    "YAML: 不能使用 YAML 别名 …": ("{code: 一, name: 支持研发平台}", "&a {code: 一, name: 支持研发平台}\n    - *a"),
    "plan.documents: 缺少必须引用的文件：局文 / 纪要": ("kind: 局文", "kind: 合同"),
    "plan.sources: 计划各项目合计 … 元，超过资金来源合计 … 元": (
        "  total: 300",
        "  sources: [{source: 省, name: 省级, level: provincial, amount: 299}]\n  total: 300",
    ),
    "appropriation: appropriation（一笔指标）和 appropriations（多笔指标）须填且只填一项": (
        "appropriation:",
        "appropriations: [{amount: 300, budget_year: 2026}]\nappropriation:",
    ),
    "plan.allotted_on: …": ("allotted_on: 2026-02-18", "allotted_on: 2190-02-18"),
}
"""For each error in the guide's table, a change of the guide's example that causes the error."""


def test_every_error_in_the_guide_s_table_is_tried():
    table = re.findall("^[|] `(.+?: .+?)` [|]", GUIDE.partition("## 常见错误")[2], re.MULTILINE)
    assert table == list(CHANGES), "tests/service/test_plan_file.py: CHANGES has the rows of docs/zh/plan-file.md"


@pytest.mark.parametrize("shown", CHANGES)
def test_a_mistake_of_the_guide_gets_the_message_that_the_guide_shows(other, shown):
    was, becomes = CHANGES[shown]
    file = other(EXAMPLE.replace(was, becomes, 1))
    with pytest.raises(FileWrong) as refused:
        check(file)
    assert re.search(re.escape(shown).replace("…", ".*"), str(refused.value)), str(refused.value)
