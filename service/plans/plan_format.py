"""The format `suyuan-plan/1`: the fields of a plan file, their forms, and how they are parsed.

Every error is reported with its line, its field, and what is allowed there. docs/plan-format.md explains the fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from domain.money import Money
from domain.state.fund import Gate, NoticeOrder
from service.plans.yaml_lines import Block, Items, Text
from service.text import DAY as DAY_FORM

UNITS = {"分": 1, "元": 100, "万元": 1_000_000}
"""The units in which a plan may state its amounts, each in fen."""


class Wrong(NamedTuple):
    """One error: its line in the file, the path of its field, and the reason in Chinese and English."""

    line: int
    path: str
    zh: str
    en: str

    def __str__(self) -> str:
        return f"{max(self.line, 1)}: {self.path or '文件 file'}: {self.zh} {self.en}"


class NotAllowed(ValueError):
    """The field does not allow this value."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


@dataclass
class Reading:
    """One pass over a file: the unit of its amounts in fen, and the errors found."""

    unit: int
    wrong: list[Wrong] = field(default_factory=list)

    def add(self, line: int, path: str, zh: str, en: str) -> None:
        self.wrong.append(Wrong(line, path, zh, en))


Kind = Callable[[Any, str, Reading], Any]
"""Parses one value of the file at a path; errors are added to the reading."""


def scalar(read: Callable[[Text, Reading], Any]) -> Kind:
    """A kind for single values, which `read` parses; `read` raises NotAllowed for other values."""

    def kind(value: Any, path: str, reading: Reading) -> Any:
        if not isinstance(value, Text):
            return reading.add(value.line, path, "须为单个值", "it must be a single value")
        try:
            return read(value, reading)
        except NotAllowed as error:
            return reading.add(value.line, path, error.zh, error.en)

    return kind


def _text(value: Text, _: Reading) -> str:
    if not value.strip():
        raise NotAllowed("不能为空", "it must not be empty")
    return str(value)


def _whole(value: Text, _: Reading) -> int:
    if not re.fullmatch("[0-9]{1,9}", value, re.ASCII):
        raise NotAllowed(f"须为整数，不能是 {value}", f"it must be a whole number, not {value}")
    return int(value)


def _day(value: Text, _: Reading) -> str:
    if DAY_FORM.fullmatch(value):
        with suppress(ValueError):
            return date.fromisoformat(value).isoformat()
    raise NotAllowed(f"须为日期，如 2019-05-20，不能是 {value}", f"it must be a day such as 2019-05-20, not {value}")


def _amount(value: Text, reading: Reading) -> str:
    """An amount, converted from the plan's unit to exact yuan."""
    if not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,10})?", value, re.ASCII):
        raise NotAllowed(
            f"须为金额，如 1000 或 12.5，不能是 {value}", f"it must be an amount such as 12.5, not {value}"
        )
    fen = Decimal(value) * reading.unit
    if fen != fen.to_integral_value():
        raise NotAllowed(f"{value} 不是整分", f"{value} is not a whole number of fen")
    return str(Money(int(fen)))


def one_of(*values: str) -> Kind:
    """A kind for text that must be one of `values`."""

    def read(value: Text, _: Reading) -> str:
        if value not in values:
            allowed = ", ".join(values)
            raise NotAllowed(f"须为 {allowed} 之一，不能是 {value}", f"it must be one of {allowed}, not {value}")
        return str(value)

    return scalar(read)


TEXT, WHOLE, DAY, AMOUNT = scalar(_text), scalar(_whole), scalar(_day), scalar(_amount)


def flag(value: Any, path: str, reading: Reading) -> bool:
    return bool(one_of("true", "false")(value, path, reading) == "true")


def many(kind: Kind, *, min_items: int = 1) -> Kind:
    """A kind for lists of at least `min_items` values."""

    def read(value: Any, path: str, reading: Reading) -> list[Any]:
        if not isinstance(value, Items) or len(value) < min_items:
            reading.add(getattr(value, "line", 0), path, "须为列表", "it must be a list")
            return []
        return [kind(each, f"{path}[{number}]", reading) for number, each in enumerate(value, 1)]

    return read


def block(required: Mapping[str, Kind], optional: Mapping[str, Kind] | None = None) -> Kind:
    """A kind for blocks of named fields: all of `required`, any of `optional`, and no others."""
    known = {**required, **(optional or {})}

    def read(value: Any, path: str, reading: Reading) -> dict[str, Any]:
        if not isinstance(value, Block):
            reading.add(
                getattr(value, "line", 0), path, "须有下级字段", f"it must have the fields {', '.join(required)}"
            )
            return {}
        inside = f"{path}." if path else ""
        for name in value.keys() - known.keys():
            allowed = ", ".join(known)
            line = getattr(value[name], "line", value.line)
            reading.add(
                line, inside + name, f"没有此字段，可用 {allowed}", f"there is no such field; allowed: {allowed}"
            )
        for name in required.keys() - value.keys():
            reading.add(value.line, inside + name, "缺少此字段", "this field is missing")
        return {name: kind(value[name], inside + name, reading) for name, kind in known.items() if name in value}

    return read


def by_batch(value: Any, path: str, reading: Reading) -> dict[int, str]:
    """Amounts by batch number."""
    if not isinstance(value, Block) or not value:
        reading.add(getattr(value, "line", 0), path, "须为 {批次: 金额}", "it must be {batch: amount}")
        return {}
    amounts = {}
    for name, amount in value.items():
        number = WHOLE(name, f"{path}.{name}", reading)
        amounts[number] = AMOUNT(amount, f"{path}.{name}", reading)
    return amounts


def award_rule(value: Any, path: str, reading: Reading) -> tuple[str, int | None]:
    """`{exact: n}` or `{max: n}`."""
    if not isinstance(value, Block) or len(value) != 1 or next(iter(value)) not in ("exact", "max"):
        line = getattr(value, "line", 0)
        reading.add(line, path, "须为 {exact: 个数} 或 {max: 个数}", "it must be {exact: n} or {max: n}")
        return "exact", None
    [(rule, count)] = value.items()
    return str(rule), WHOLE(count, f"{path}.{rule}", reading)


DOCUMENT = block(
    {"kind": TEXT, "number": TEXT},
    {"title": TEXT, "issuer": TEXT, "date": DAY, "sha256": TEXT, "year": WHOLE, "item": WHOLE},
)
SETTINGS = block(
    {"notice_working_days": WHOLE, "approvals": many(TEXT, min_items=0), "acceptance_tries": WHOLE},
    {
        "notice_order": one_of(*NoticeOrder),
        "rectification_months": WHOLE,
        "quantum": AMOUNT,
        "years_to_spend": WHOLE,
        "period_close_days": WHOLE,
        "idle_days": WHOLE,
        "december_percent": WHOLE,
        "reconcile_before_close": flag,
    },
)
FUND = block(
    {"code": TEXT, "name": TEXT, "established_on": DAY, "settings": SETTINGS, "documents": many(DOCUMENT)},
    {"name_en": TEXT},
)
APPROPRIATION = block({"amount": AMOUNT, "budget_year": WHOLE, "received_on": DAY, "documents": many(DOCUMENT)})
TASK = block({"code": TEXT, "name": TEXT})
BATCH = block({"batch": WHOLE, "name": TEXT, "gate": one_of(*Gate), "total": AMOUNT})
LINE = block(
    {
        "code": TEXT,
        "number": WHOLE,
        "name": TEXT,
        "tasks": many(TEXT),
        "awards": award_rule,
        "amounts": by_batch,
        "total": AMOUNT,
    },
    {"number_raw": TEXT, "name_annex": TEXT, "name_en": TEXT, "fixed_total": flag},
)
PLAN = block(
    {
        "title": TEXT,
        "unit": one_of(*UNITS),
        "drafted_on": DAY,
        "adopted_on": DAY,
        "allotted_on": DAY,
        "documents": many(DOCUMENT),
        "allotment_documents": many(DOCUMENT),
        "tasks": many(TASK),
        "batches": many(BATCH),
        "total": AMOUNT,
        "projects": many(LINE),
    }
)
FILE = block({"format": one_of("suyuan-plan/1"), "fund": FUND, "appropriation": APPROPRIATION, "plan": PLAN})


def read_plan(document: Any) -> tuple[dict[str, Any], list[Wrong]]:
    """The plan with parsed values and amounts as exact yuan, and all its errors in the order of the lines."""
    body = document.get("plan") if isinstance(document, Block) else None
    unit = body.get("unit") if isinstance(body, Block) else None
    reading = Reading(UNITS.get(str(unit), 1))
    plan = FILE(document, "", reading)
    if not reading.wrong:
        reading.wrong += _unknown_names(document["plan"])
    return plan, sorted(reading.wrong)


def line_of(document: Any, path: str) -> int:
    """The line of the field at a path such as `plan.projects[3].name`; if it is missing, the line of its parent."""
    line = getattr(document, "line", 0)
    for name, number in re.findall(r"(\w+)|\[(\d+)\]", path):
        try:
            document = document[name] if name else document[int(number) - 1]
        except (KeyError, IndexError, TypeError):
            break
        line = getattr(document, "line", line)
    return line


def _unknown_names(plan: Block) -> Iterator[Wrong]:
    """An error for each batch or task that a project names but the plan does not list."""
    batches, tasks = {each["batch"] for each in plan["batches"]}, {each["code"] for each in plan["tasks"]}
    for number, line in enumerate(plan["projects"], 1):
        for batch, amount in line["amounts"].items():
            if batch not in batches:
                yield _unknown(amount.line, f"plan.projects[{number}].amounts", batch, batches)
        for task in line["tasks"]:
            if task not in tasks:
                yield _unknown(task.line, f"plan.projects[{number}].tasks", task, tasks)


def _unknown(line: int, path: str, name: str, known: set[str]) -> Wrong:
    allowed = ", ".join(sorted(known))
    return Wrong(line, path, f"计划中没有 {name}，可用 {allowed}", f"the plan has no {name}; allowed: {allowed}")
