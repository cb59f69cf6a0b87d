"""The kinds of values in a YAML file that people write by hand, and how they are parsed.

Every error is reported with its line, its field, and what is allowed there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from service.text import DAY as DAY_FORM
from service.text import is_visible
from service.yaml_file.yaml_lines import Block, Items, Text

ACTOR = "--actor"
"""The path of an error that is not in a field of the file, but in the option that names the person who acts."""
MAX_TEXT = 1_000
"""Maximum number of characters in a value of the file that is free text."""
MAX_SHOWN = 60
"""Maximum number of characters of a value that a message shows."""


class Wrong(NamedTuple):
    """One error: its line in the file, the path of its field, and the reason in Chinese and English."""

    line: int
    path: str
    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.line}: {self.path or '文件 file'}: {self.zh} {self.en}"


class NotAllowed(ValueError):
    """The field does not allow this value. `zh` and `en` say what it allows, if `shown` is the value that it has."""

    def __init__(self, zh: str, en: str, shown: str | None = None) -> None:
        super().__init__(en)
        self.allowed = (zh, en) if shown is not None else None
        self.zh, self.en = (zh, en) if shown is None else (f"{zh}，不能是 {shown}", f"{en}, not {shown}")


@dataclass
class Reading:
    """One pass over a file. `wrong`: the errors found.

    `unit`: how many fen there are in the unit of the file's amounts; None if the file states no valid unit.
    """

    unit: int | None = None
    wrong: list[Wrong] = field(default_factory=list)

    def add(self, line: int, path: str, zh: str, en: str) -> None:
        self.wrong.append(Wrong(line, path, zh, en))


Kind = Callable[[Any, str, Reading], Any]
"""A function that parses the value at a path of the file. Errors are added to the Reading."""


NO_VALUE = (
    "没有值（~、null 和空白表示没有值，作文字用须加引号）",
    "it has no value (~, null and nothing mean no value; as text they need quotes)",
)


def scalar(read: Callable[[Text, Reading], Any]) -> Kind:
    """A parser of single values. `read` parses a value, and raises NotAllowed if the field does not allow the value."""

    def kind(value: Any, path: str, reading: Reading) -> Any:
        if not isinstance(value, Text):
            return reading.add(value.line, path, "须为单个值", "it must be a single value")
        if value is NOTHING:
            return _add_allowed(read, path, reading)
        if value.null:
            return reading.add(value.line, path, *NO_VALUE)
        try:
            return read(value, reading)
        except NotAllowed as error:
            return reading.add(value.line, path, error.zh, error.en)

    return kind


def _add_allowed(read: Callable[[Text, Reading], Any], path: str, reading: Reading) -> None:
    """Adds what `read` allows, as an error of the missing field at `path`, if it is not simply any text."""
    try:
        read(NOTHING, reading)
    except NotAllowed as error:
        if error.allowed:
            reading.add(NOTHING.line, path, *error.allowed)


def short(text: str) -> str:
    """The text as a message shows it: cut after MAX_SHOWN characters."""
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def _text(value: Text, _: Reading) -> str:
    if not value.strip():
        raise NotAllowed("不能为空", "it must not be empty")
    if not is_visible(value):
        raise NotAllowed(f"含有不可见字符: {short(value)}", f"it has invisible characters: {short(value)}")
    if len(value) > MAX_TEXT:
        raise NotAllowed(f"至多 {MAX_TEXT} 字", f"it has at most {MAX_TEXT} characters")
    return str(value)


def _whole(value: Text, _: Reading) -> int:
    if not re.fullmatch("[0-9]{1,9}", value, re.ASCII):
        raise NotAllowed("须为整数", "it must be a whole number", short(value))
    return int(value)


def _day(value: Text, _: Reading) -> str:
    if DAY_FORM.fullmatch(value):
        with suppress(ValueError):
            return date.fromisoformat(value).isoformat()
    raise NotAllowed("须为日期，如 2019-05-20", "it must be a day such as 2019-05-20", short(value))


def one_of(*values: str) -> Kind:
    """A parser of text that must be one of `values`."""

    def read(value: Text, _: Reading) -> str:
        if value not in values:
            allowed = ", ".join(values)
            raise NotAllowed(f"须为 {allowed} 之一", f"it must be one of {allowed}", short(value))
        return str(value)

    return scalar(read)


TEXT, WHOLE, DAY = scalar(_text), scalar(_whole), scalar(_day)


def text_of(zh: str, en: str) -> Kind:
    """A parser of text. `zh` and `en` say what the text should be; it is compared with the rest of the file later."""

    def read(value: Text, reading: Reading) -> str:
        if not value.strip():
            raise NotAllowed(zh, en, short(value))
        return _text(value, reading)

    return scalar(read)


def flag(value: Any, path: str, reading: Reading) -> bool:
    return bool(one_of("true", "false")(value, path, reading) == "true")


def many(kind: Kind, *, min_items: int = 1) -> Kind:
    """A parser of lists of at least `min_items` values, each of which `kind` parses."""

    def read(value: Any, path: str, reading: Reading) -> list[Any]:
        if not isinstance(value, Items):
            reading.add(value.line, path, "须为列表", "it must be a list")
            return []
        if len(value) < min_items:
            reading.add(value.line, path, "列表不能为空", "the list must not be empty")
        return [kind(each, f"{path}[{number}]", reading) for number, each in enumerate(value, 1)]

    return read


NOTHING = Text("")
NOTHING.null = True
"""The value that stands for a required field that is missing, so that a parsed block has all its required fields."""


def block(required: Mapping[str, Kind], optional: Mapping[str, Kind] | None = None) -> Kind:
    """A parser of blocks of named fields: all of `required`, any of `optional`, and no others.

    An optional field without a value (~, null, nothing) is treated as absent.
    """
    known = {**required, **(optional or {})}

    def read(value: Any, path: str, reading: Reading) -> dict[str, Any]:
        if not isinstance(value, Block):
            names = ", ".join(required or known)
            reading.add(value.line, path, f"须有下级字段 {names}", f"it must have the fields {names}")
            value, reading = Block(), Reading(reading.unit)
        inside = f"{path}." if path else ""
        _refuse_unknown(value, known, inside, reading)
        fields: dict[str, Any] = {}
        for name, kind in known.items():
            if name in value and (name in required or not getattr(value[name], "null", False)):
                fields[name] = kind(value[name], inside + name, reading)
            elif name in required:
                missing = Reading(reading.unit)
                fields[name] = kind(NOTHING, inside + name, missing)
                zh, en = (f"，{missing.wrong[0].zh}", f"; {missing.wrong[0].en}") if missing.wrong else ("", "")
                reading.add(value.line, inside + name, f"缺少此字段{zh}", f"this field is missing{en}")
        return fields

    return read


def _refuse_unknown(value: Block, known: Mapping[str, Kind], inside: str, reading: Reading) -> None:
    allowed = ", ".join(known)
    for name in value:
        if name not in known:
            path = inside + short(name)
            reading.add(
                value.lines[name], path, f"没有此字段，可用 {allowed}", f"there is no such field; allowed: {allowed}"
            )


def line_of(document: Any, path: str) -> int:
    """The line of the field at a path such as `plan.projects[3].name`.

    If the field is missing, the line of the innermost existing field on the path.
    """
    line: int = document.line
    for name, number in re.findall(r"(\w+)|\[(\d+)\]", path):
        try:
            document = _inside(document, name) if name else document[int(number) - 1]
        except (KeyError, IndexError, TypeError, AttributeError):
            break
        line = document.line
    return line


def wrong_at(document: Any, path: str, zh: str, en: str) -> Wrong:
    """An error in the field at `path`, with the field's line. If `path` is the option `--actor`, the line is 0."""
    return Wrong(0 if path == ACTOR else line_of(document, path), path, zh, en)


def _inside(block: Block, name: str) -> Any:
    """The field `name` of `block`. If `name` is a batch number, the file may have it with leading zeros."""
    written = next((each for each in block if each.lstrip("0") == name), name)
    return block[name] if name in block else block[written]
