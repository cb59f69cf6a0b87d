"""The format `suyuan-plan/1`: the fields of a plan file, their forms, and how they are parsed.

Every error is reported with its line number, its field, and what is allowed there. docs/plan-format.md explains the
fields.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from domain.money import MAX_FEN, UNITS, Money
from domain.state.fund import Gate, Level, NoticeOrder, Selection, Share, Support
from service.yaml_file.kinds import (
    DAY,
    TEXT,
    WHOLE,
    Kind,
    NotAllowed,
    Reading,
    Wrong,
    block,
    flag,
    many,
    one_of,
    scalar,
    short,
    text_of,
)
from service.yaml_file.yaml_lines import Block, Text


def _amount(value: Text, reading: Reading) -> str:
    """The amount `value`, converted from the plan's unit to exact yuan, or ANY_AMOUNT if the plan has no valid unit.

    Raises NotAllowed if the amount is not a positive whole number of fen, or is too large.
    """
    if not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,10})?", value, re.ASCII):
        raise NotAllowed("须为金额，如 1000 或 12.5", "it must be an amount such as 12.5", short(value))
    if reading.unit is None:
        return str(ANY_AMOUNT)
    fen = Decimal(value) * reading.unit
    if fen != fen.to_integral_value():
        raise NotAllowed(f"{value} 不是整分", f"{value} is not a whole number of fen")
    if not 0 < fen <= MAX_FEN:
        most = Money(MAX_FEN)
        raise NotAllowed(f"须大于零，至多 {most} 元", f"it must be above zero and at most {most} yuan")
    return str(Money(int(fen)))


ANY_AMOUNT = Money(1)
"""The value of every amount in a plan without a valid unit. The missing unit is reported once, not at every amount."""


AMOUNT = scalar(_amount)


def by_batch(kind: Kind, zh: str, en: str) -> Kind:
    """A parser of values by batch number, each of which `kind` parses. `zh` and `en` say what the values are."""

    def read(value: Any, path: str, reading: Reading) -> dict[int, str]:
        if not isinstance(value, Block) or not value:
            reading.add(value.line, path, f"须为 {{批次: {zh}}}", f"it must be {{batch: {en}}}")
            return {}
        values: dict[int, str] = {}
        for name, each in value.items():
            number = WHOLE(name, f"{path}.{short(name)}", reading)
            at = f"{path}.{short(name) if number is None else number}"
            parsed = kind(each, at, reading)
            if number in values:
                reading.add(value.lines[name], at, f"批次 {number} 重复", f"the batch {number} is written twice")
            if number is not None:
                values[number] = parsed
        return values

    return read


def award_rule(value: Any, path: str, reading: Reading) -> tuple[str, int | None]:
    """How many awards a project has, written `{exact: n}` or `{max: n}`. Returns the rule (`exact` or `max`) and n.

    Errors are added to `reading`; after an error, n is None.
    """
    if not isinstance(value, Block) or len(value) != 1 or next(iter(value)) not in ("exact", "max"):
        reading.add(value.line, path, "须为 {exact: 个数} 或 {max: 个数}", "it must be {exact: n} or {max: n}")
        return "exact", None
    [(rule, count)] = value.items()
    return str(rule), WHOLE(count, f"{path}.{rule}", reading)


DOCUMENT = block(
    {"kind": TEXT, "number": TEXT},
    {"title": TEXT, "issuer": TEXT, "date": DAY, "sha256": TEXT, "year": WHOLE, "item": WHOLE},
)
REQUIRED_SETTINGS = {"notice_working_days": WHOLE, "approvals": many(TEXT, min_items=0), "acceptance_tries": WHOLE}
OPTIONAL_SETTINGS = {
    "notice_order": one_of(*NoticeOrder),
    "rectification_months": WHOLE,
    "quantum": AMOUNT,
    "years_to_spend": WHOLE,
    "period_close_days": WHOLE,
    "idle_days": WHOLE,
    "december_percent": WHOLE,
    "reconcile_before_close": flag,
    "max_appropriation": AMOUNT,
    "max_total": AMOUNT,
    "notice_binds_amounts": flag,
    "approvers_differ": flag,
    "bank": TEXT,
    "extension_months": WHOLE,
    "acceptance_months": WHOLE,
    "applications_per_recipient": WHOLE,
}
"""The settings that a plan file may have besides the required ones: a test compares them with those of events."""
SETTINGS = block(REQUIRED_SETTINGS, OPTIONAL_SETTINGS)
FUND = block(
    {"code": TEXT, "name": TEXT, "established_on": DAY, "settings": SETTINGS, "documents": many(DOCUMENT)},
    {"name_en": TEXT},
)
APPROPRIATION = block(
    {"amount": AMOUNT, "budget_year": WHOLE, "received_on": DAY, "documents": many(DOCUMENT)}, {"source": TEXT}
)
ONE_OF_SEVERAL = block(
    {"amount": AMOUNT, "budget_year": WHOLE}, {"received_on": DAY, "documents": many(DOCUMENT), "source": TEXT}
)
"""One of several appropriations. One without `received_on` has not arrived yet."""
SOURCE = block({"source": TEXT, "name": TEXT, "level": one_of(*Level), "amount": AMOUNT})
TASK = block({"code": TEXT, "name": TEXT})
GATE = text_of(
    f"须为 {', '.join(Gate)} 之一，或考核节点的名称",
    f"it must be one of {', '.join(Gate)}, or the name of a checkpoint",
)
BATCH = block({"batch": WHOLE, "name": TEXT, "gate": GATE, "total": AMOUNT})
GOAL = block({"name": TEXT, "target": TEXT}, {"unit": TEXT})
LINE = block(
    {
        "code": TEXT,
        "number": WHOLE,
        "name": TEXT,
        "tasks": many(TEXT),
        "awards": award_rule,
        "amounts": by_batch(AMOUNT, "金额", "amount"),
        "total": AMOUNT,
    },
    {
        "number_raw": TEXT,
        "name_annex": TEXT,
        "name_en": TEXT,
        "fixed_total": flag,
        "share": one_of(*Share),
        "checkpoints": many(TEXT),
        "objective": TEXT,
        "support": one_of(*Support),
        "selection": one_of(*Selection),
        "goals": many(GOAL),
        "gates": by_batch(GATE, "拨付条件", "gate"),
    },
)
HEADINGS = block({}, dict.fromkeys(("scheme", "tasks", "number", "name", "awards", "total", "sum"), TEXT))
ANNEX = block({}, {"label": TEXT, "caption": TEXT, "title": TEXT, "headings": HEADINGS})
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
    },
    {"draft_documents": many(DOCUMENT), "sources": many(SOURCE), "annex": ANNEX},
)
FILE = block(
    {"format": one_of("suyuan-plan/1"), "fund": FUND, "plan": PLAN},
    {"appropriation": APPROPRIATION, "appropriations": many(ONE_OF_SEVERAL)},
)


def read_plan(document: Any) -> tuple[dict[str, Any], list[Wrong]]:
    """The parsed values of a plan file, and the errors of its fields. Amounts are exact yuan.

    All required fields are present; a field that has an error has a placeholder, such as None or an empty list.
    """
    body = document.get("plan") if isinstance(document, Block) else None
    unit = body.get("unit") if isinstance(body, Block) else None
    reading = Reading(10 ** UNITS[unit] if isinstance(unit, Text) and unit in UNITS else None)
    plan = FILE(document, "", reading)
    if isinstance(document, Block) and ("appropriation" in plan) == ("appropriations" in plan):
        reading.add(
            document.line,
            "appropriation",
            "appropriation（一笔指标）和 appropriations（多笔指标）须填且只填一项",
            "there must be either appropriation (one) or appropriations (several)",
        )
    return plan, reading.wrong
