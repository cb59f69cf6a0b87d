"""All mistakes of a plan file are reported at once, each at the line and field where it is written."""

import re
from pathlib import Path

import pytest

from domain.state.fund import Settings
from service.api.posting.event_schemas.fund.lifecycle import SettingsShape
from service.cli import plan_check
from service.ledger.group_commit import MAX_QUEUED_POSTS
from service.plans import plan_file, plan_format
from service.yaml_file.document import MAX_LISTED, FileWrong
from tests.service.test_plan_file import OTHER

ROOT = Path(__file__).parents[2]


@pytest.fixture
def refusal(tmp_path):
    """A function that makes replacements in the plan file OTHER and returns the error of the changed file."""

    def refuse(*changes, actor="测试", text=OTHER):
        for was, becomes in changes:
            assert was in text, was
            text = text.replace(was, becomes, 1)
        file = tmp_path / "plan.yaml"
        file.write_text(text, encoding="utf-8")
        with pytest.raises(FileWrong) as refused:
            plan_check.checked(plan_file.parse(file), actor)
        return refused.value

    return refuse


@pytest.fixture
def line_of(tmp_path):
    """A function that returns the text of the line that an error names."""
    return lambda wrong: (tmp_path / "plan.yaml").read_text(encoding="utf-8").splitlines()[wrong.line - 1]


def paths(refused):
    return [each.path for each in refused.wrong]


PROJECTS = OTHER.index("  projects:\n")


def many_events(projects, batches):
    """A plan file with `projects` projects, each with `batches` batches of 1 yuan."""
    listed = "".join(f"    - {{batch: {n}, name: 批, gate: award, total: {projects}}}\n" for n in range(1, batches + 1))
    amounts = ", ".join(f"{batch}: 1" for batch in range(1, batches + 1))
    lines = "".join(
        f"    - {{code: p{n}, number: {n}, name: 项目, tasks: [甲], awards: {{max: 1}}, amounts: {{{amounts}}},"
        f" total: {batches}}}\n"
        for n in range(1, projects + 1)
    )
    before, after = OTHER.index("  batches:\n"), OTHER.index("  total: 12345.67")
    text = f"{OTHER[:before]}  batches:\n{listed}{OTHER[after:PROJECTS]}  projects:\n{lines}"
    return text.replace("12345.67", str(projects * batches))


def test_a_plan_of_more_events_than_one_load_takes_is_refused(refusal, line_of):
    refused = refusal(text=many_events(1_250, 16))
    assert paths(refused) == ["plan.projects"]
    assert f"21254 个事件，一次最多载入 {MAX_QUEUED_POSTS} 个" in str(refused)
    assert f"21254 events, and at most {MAX_QUEUED_POSTS}" in str(refused)
    assert line_of(refused.wrong[0]).strip() == "projects:"


@pytest.mark.parametrize(
    ("changes", "path", "line"),
    [
        ([("batch: 2,", "batch: 02,"), ("total: 4000.50", "total: 4000.51")], "plan.batches[2].total", "batch: 02"),
        ([("{batch: 2,", "{batch: 01,")], "plan.batches[2].batch", "batch: 01"),
        ([("number: 2\n", "number: 01\n")], "plan.projects[2].number", "number: 01"),
        ([("{1: 2000, 2: 3000", "{1: 2000, 01: 3000")], "plan.projects[2].amounts.1", "amounts: {1: 2000"),
        ([("{1: 2000, 2:", "{1: 2000, 07:")], "plan.projects[2].amounts.7", "07:"),
        ([("code: other-2020", f"code: {'x' * 300}")], "fund.code", "xxx"),
        ([("code: other-b", f"code: {'x' * 300}")], "plan.projects[2].code", "xxx"),
        ([("name: 乙项目", f"name: {'乙' * 201}")], "plan.projects[2].name", "乙乙"),
        ([("name: 乙项目", f"name: 乙\n      name_annex: {'丙' * 201}")], "plan.projects[2].name_annex", "丙丙"),
        ([("{1: 2000,", "{100: 2000,"), ("{batch: 1,", "{batch: 100,")], "plan.projects[2].amounts.100", "100: 2000"),
        ([("appropriation:\n", "income:\n")], "income", "income:"),
        ([("plan:\n", "more:\n  a: 1\nplan:\n")], "more", "more:"),
        ([("  documents: [{kind: 纪要", "  documents:\n    - {kind: 纪要"), ("3号}]", "3号}"), ("纪要", "合同")],
         "plan.documents", "documents:"),
        ([("title: 另一份计划", "title:\n    - 另一份计划")], "plan.title", "title:"),
        ([("{code: 乙, name", "{code: 甲, name")], "plan.tasks[2].code", "{code: 甲, name: 乙任务}"),
        ([("tasks: [甲, 乙]", "tasks: [甲, 甲]")], "plan.projects[2].tasks[2]", "tasks: [甲, 甲]"),
        ([("title: 另一份计划", "title: &a 另一份计划"), ("name: 启动款", "name: *a")], "YAML", "name: *a"),
        ([("title: 另一份计划", "title: !!float 1.5")], "YAML", "!!float"),
        ([("  title", "  ~: 1\n  title")], "plan.~", "~: 1"),
        ([("title: 另一份计划", f"title: {'[' * 5_000}")], "YAML", "[[["),
        ([("  total: 12345.67\n", "  total: 12345.67\n---\n")], "YAML", "---"),
    ],
)  # fmt: skip
def test_an_error_names_the_field_as_it_is_in_the_file_and_its_line(refusal, line_of, changes, path, line):
    refused = refusal(*changes)
    [first, *_] = [each for each in refused.wrong if each.path == path] or [None]
    assert first, str(refused)
    assert line in line_of(first)
    assert "[0]" not in str(refused)


def test_an_alias_is_reported_where_it_is_used_together_with_its_anchor(refusal, line_of):
    refused = refusal(("title: 另一份计划", "title: &a 另一份计划"), ("name: 启动款", "name: *a"))
    [wrong] = refused.wrong
    assert "*a" in line_of(wrong)
    anchor = re.search(r"[*]a（锚点在第 (\d+) 行）", str(refused))[1]
    assert "&a" in line_of(wrong._replace(line=int(anchor)))


def test_an_actor_that_is_refused_is_named_as_the_option_and_reported_once(refusal):
    refused = refusal(actor="x" * 101)
    assert str(refused) == "--actor: 长度须为 1 至 100 个字符。 It must have 1 to 100 characters."


def test_every_message_has_the_chinese_text_before_the_english(refusal):
    refused = refusal(
        ("code: other-2020", "code: OTHER"),
        ("budget_year: 2020", "budget_year: 20"),
        ("established_on: 2020-01-06", "established_on: 1900-01-06"),
        ("name: 乙项目", f"name: {'乙' * 201}"),
        ("awards: {max: 4}", "awards: {max: 0}"),
        ("title: 另一份计划", "title: [1]"),
    )
    assert len(refused.wrong) == 6
    for each in refused.wrong:
        assert each.en.isascii(), each
        assert "\u4e00" <= each.zh[0] <= "\u9fff", each


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("unit: 元", r'unit: "a\e[31m\nb"'),
        ("title: 另一份计划", r'"a\e[31m\nb": 1'),
        ("received_on: 2020-01-08", r'received_on: "\e[2J\u202e"'),
        ("amounts: {1: 1000", r'amounts: {"\e\n": 1000'),
        ("  unit: 元", '  unit: 元\n  "\\e": 1\n  "\\e": 1'),
        ("tasks: [甲, 乙]", r'tasks: ["\e\n"]'),
    ],
)
def test_control_characters_of_the_file_are_shown_escaped(refusal, was, becomes):
    refused = refusal((was, becomes))
    assert str(refused).replace("\n", "").isprintable()
    assert len(str(refused).splitlines()) == len(refused.wrong)
    assert r"\x1b" in str(refused)


def test_a_long_value_is_shown_short(refusal):
    assert len(str(refusal(("unit: 元", f"unit: {'元' * 100_000}")))) < 1_000


def test_all_errors_of_a_file_are_reported_in_one_pass(refusal):
    refused = refusal(
        ("code: other-2020", "code: Other"),
        ("budget_year: 2020", "budget_year: MMXX"),
        ("  allotted_on: 2020-02-12\n", ""),
        ("{code: 乙, name", "{code: 甲, name"),
        ("gate: agreement", "gate: whenever"),
        ("number: 2\n", "number: 1\n"),
    )
    assert paths(refused) == [
        "fund.code",
        "appropriation.budget_year",
        "plan.allotted_on",
        "plan.tasks[2].code",
        "plan.batches[2].gate",
        "plan.projects[2].number",
    ]


def test_all_sums_that_disagree_are_reported_in_one_pass(refusal):
    refused = refusal(("total: 4000.50}", "total: 4000}"), ("total: 7000.67", "total: 7000"), ("3: 345}", "3: 346}"))
    assert paths(refused) == [
        "plan.batches[2].total",
        "plan.batches[3].total",
        "plan.total",
        "plan.projects[1].total",
        "plan.projects[2].total",
    ]


def test_all_that_the_rules_refuse_is_reported_in_one_pass(refusal):
    refused = refusal(
        ("kind: 立项依据", "kind: 局文"),
        ("kind: 本级指标文号", "kind: 局文"),
        ("drafted_on: 2020-02-03", "drafted_on: 2190-02-03"),
        ("kind: 纪要", "kind: 合同"),
        ("kind: 指标文", "kind: 合同"),
    )
    assert paths(refused) == [
        "fund.documents",
        "appropriation.documents",
        "plan.drafted_on",
        "plan.adopted_on",
        "plan.documents",
        "plan.allotment_documents",
    ]


def test_an_error_is_not_reported_again_as_its_consequences(refusal):
    assert paths(refusal(("unit: 元", "unit: 亿元"))) == ["plan.unit"]
    assert paths(refusal(("{batch: 2,", "{batch: x,"))) == ["plan.batches[2].batch"]
    assert paths(refusal(("{1: 2000,", "{x: 2000,"))) == ["plan.projects[2].amounts.x"]
    assert paths(refusal(("  projects:", "  project:"))) == ["plan.projects", "plan.project"]


def test_of_many_errors_the_message_lists_the_first_and_counts_the_others(refusal):
    text = many_events(30, 1).replace("max: 1", "max: none")
    refused = refusal(text=text)
    assert len(str(refused).splitlines()) == MAX_LISTED + 1
    assert "另有 10 处 and 10 more" in str(refused)


@pytest.mark.parametrize("null", ["", "~", "null", "Null", "NULL"])
@pytest.mark.parametrize("field", ["  name: 另一区县产业扶持专项资金", "  budget_year: 2020", "      tasks: [甲]\n"])
def test_a_required_field_without_a_value_is_refused(refusal, field, null):
    name, _, rest = field.partition(":")
    refused = refusal((field, f"{name}: {null}" + ("\n" if rest.endswith("\n") else "")))
    [wrong] = refused.wrong
    assert wrong.path.rpartition(".")[2] == name.strip()
    assert wrong.zh.startswith(("没有值", "须为列表"))


def test_an_optional_field_without_a_value_is_as_if_it_were_not_written(tmp_path):
    written = (
        OTHER.replace("number: 1\n", "number: 1\n      number_raw: ~\n      name_annex:\n      name_en: null\n")
        .replace("acceptance_tries: 1", "acceptance_tries: 1, idle_days: ~")
        .replace("示例财〔2020〕1号", "示例财〔2020〕1号, title: ~")
    )
    file, plain = tmp_path / "plan.yaml", tmp_path / "plain.yaml"
    file.write_text(written, encoding="utf-8")
    plain.write_text(OTHER, encoding="utf-8")
    assert list(plan_file.posts(plan_file.read(file), "甲")) == list(plan_file.posts(plan_file.read(plain), "甲"))


def test_a_word_for_no_value_in_quotes_is_text(tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text(OTHER.replace("name: 乙项目", 'name: "null"'), encoding="utf-8")
    assert plan_file.read(file).plan["plan"]["projects"][1]["name"] == "null"


def test_an_unreadable_list_or_block_is_reported_once(refusal):
    assert paths(
        refusal(("settings: {notice_working_days: 3, approvals: [审批], acceptance_tries: 1}", "settings:"))
    ) == ["fund.settings"]
    [wrong] = refusal(("[{kind: 立项依据, number: 示例财〔2020〕1号}]", "[]")).wrong
    assert (wrong.path, wrong.zh) == ("fund.documents", "列表不能为空")


@pytest.mark.parametrize(
    ("was", "becomes", "line"),
    [
        ("name: 甲项目", 'name: "\\UFFFFFFFF"', "not valid YAML"),
        ("name: 甲项目", 'name: "\\ud800"', "invisible characters"),
        ("name: 甲项目", "name: " + "长" * 1_001, "at most 1000"),
        ("name: 甲项目", "name: *none", "YAML aliases are not allowed: *none"),
        ("name: 甲项目", "--actor: 1", "there is no such field"),
    ],
)
def test_what_only_a_program_writes_into_a_file_is_refused_with_its_line(refusal, was, becomes, line):
    message = str(refusal((was, becomes)))
    assert line in message
    assert "its anchor" not in message
    assert re.match(r".*plan.yaml:\d+: ", message.splitlines()[0])


def test_a_yaml_version_of_many_digits_is_refused(refusal):
    assert "not valid YAML" in str(refusal((OTHER[:1], "%YAML 1." + "9" * 5_000 + "\n---\n" + OTHER[:1])))


@pytest.mark.parametrize(
    ("change", "path", "allowed"),
    [
        (("{1: 1000, 2: 1000.50", "{4: 1000, 2: 1000.50"), "plan.projects[1].amounts.4", ("可用 1, 2, 3", "1, 2, 3")),
        (("      awards: {max: 4}\n", ""), "plan.projects[1].awards", ("{exact: 个数} 或 {max: 个数}", "{max: n}")),
        (("awards: {max: 4}", "awards: {max: 若干}"), "plan.projects[1].awards.max", ("须为整数", "a whole number")),
        (("{1: 1000,", '{1: "1,000",'), "plan.projects[1].amounts.1", ("须为金额，如 1000 或 12.5", "such as 12.5")),
        (("number: 2\n", "number: 二之一\n"), "plan.projects[2].number", ("须为整数", "a whole number")),
        (("gate: agreement", "gate: signing"), "plan.batches[2].gate", ("award, agreement, acceptance 之一", "one of")),
        (("received_on: 2020-01-08", "received_on: 2020-02-31"), "appropriation.received_on", ("如 2019-05-20", "day")),
        (("gate: agreement, ", ""), "plan.batches[2].gate", ("award, agreement, acceptance 之一", "one of award")),
        (("  allotted_on: 2020-02-12\n", ""), "plan.allotted_on", ("须为日期，如 2019-05-20", "such as 2019-05-20")),
        (
            ("acceptance_tries: 1", "acceptance_tries: 1, bank: []"),
            "fund.settings.bank",
            ("须为单个值", "single value"),
        ),
        (("acceptance_tries: 1", "tries: 1"), "fund.settings.tries", ("可用 notice_working_days", "extension_months")),
    ],
)
def test_an_error_says_what_its_field_allows(refusal, line_of, change, path, allowed):
    refused = refusal(change)
    wrong = next(each for each in refused.wrong if each.path == path)
    assert (allowed[0] in wrong.zh, allowed[1] in wrong.en) == (True, True), str(wrong)
    assert f"plan.yaml:{wrong.line}: {path}: " in str(refused)
    assert line_of(wrong)


def test_a_plan_file_may_have_every_setting_that_an_event_may_have():
    """Otherwise a district could set a rule by an event, and not by its plan."""
    of_file = {*plan_format.REQUIRED_SETTINGS, *plan_format.OPTIONAL_SETTINGS}
    assert of_file == set(Settings.__struct_fields__) == set(SettingsShape().fields)


def test_the_documents_name_every_setting_of_a_fund():
    for document in ("plan-format.md", "zh/plan-file.md"):
        text = (ROOT / "docs" / document).read_text(encoding="utf-8")
        missing = [name for name in Settings.__struct_fields__ if f"| `{name}`" not in text]
        assert not missing, f"docs/{document}: add {', '.join(missing)} to the table of settings"


def test_a_plan_file_with_every_setting_is_read_as_the_events_have_it(tmp_path):
    written = (
        "{notice_working_days: 3, approvals: [审批], acceptance_tries: 1, notice_order: after_decision,"
        " rectification_months: 2, quantum: 10, years_to_spend: 3, period_close_days: 15, idle_days: 90,"
        " december_percent: 20, reconcile_before_close: true, max_appropriation: 20000, max_total: 30000,"
        " notice_binds_amounts: false, approvers_differ: false, bank: 示例银行, extension_months: 12,"
        " acceptance_months: 6, applications_per_recipient: 2}"
    )
    file = tmp_path / "plan.yaml"
    text = OTHER.replace("{notice_working_days: 3, approvals: [审批], acceptance_tries: 1}", written)
    file.write_text(text, encoding="utf-8")
    established = next(plan_file.posts(plan_file.read(file), "测试"))
    plan_check.checked(plan_file.parse(file), "测试")
    settings = SettingsShape().load(established["data"]["settings"])
    default = Settings(3, ("审批",), 1)
    assert [name for name in Settings.__struct_fields__ if getattr(settings, name) == getattr(default, name)] == [
        "notice_working_days", "approvals", "acceptance_tries",
    ]  # fmt: skip
