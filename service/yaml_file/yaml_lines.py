"""Loads YAML with line numbers. Every scalar stays text; duplicate names, aliases and tags are errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import yaml

MAX_DEPTH = 20
"""Maximum number of levels of nesting. Deeper nesting is refused before it exhausts the stack; a plan has 5 levels."""
NULLS = frozenset({"", "~", "null", "Null", "NULL"})
"""The plain scalars that mean "no value" in YAML. In quotes they are text."""


class Text(str):  # noqa: SLOT000 - it has the attributes `line` and `null`
    """A scalar's text, not converted. `line` is its line, from 1. `null`: whether the scalar means "no value"."""

    line: int = 1
    null: bool = False


class Block(dict[str, Any]):
    """A mapping. `line` is the line of the mapping; `lines` has the line of each name in it."""

    line: int = 1

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}


class Items(list[Any]):
    """A sequence. `line` is its line."""

    line: int = 1


class Problem(NamedTuple):
    """One reason, in Chinese and English, why the text is not accepted, and the line where the problem is."""

    line: int
    zh: str
    en: str


class WrongYaml(ValueError):
    """The text is not valid YAML, or uses a feature that is not allowed here."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems


def load(text: str) -> Any:
    """The document in `text`, as Block, Items and Text.

    Raises WrongYaml with all problems up to the first syntax error.
    The `line` of a field's value is the line of the field's name, although the value itself may begin on a later line.
    """
    reader = _Reader(text)
    try:
        document = reader.document()
    except yaml.reader.ReaderError as error:
        reader.problems.append(_not_allowed(text, error))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        reader.problems.append(Problem(line, "YAML 格式错误", f"not valid YAML: {error.problem}"))
    except (OverflowError, ValueError) as error:  # of a number in an escape or a directive
        if isinstance(error, WrongYaml):
            raise
        zh, en = "YAML 格式错误，在此行或其后", "not valid YAML, here or below"
        reader.problems.append(Problem(reader.line, zh, f"{en}: {error}"))
    if reader.problems:
        raise WrongYaml(*reader.problems)
    return document


def _not_allowed(text: str, error: yaml.reader.ReaderError) -> Problem:
    line, code = text.count("\n", 0, error.position) + 1, f"U+{error.character:04X}"
    return Problem(line, f"含有不允许的字符 {code}", f"the character {code} is not allowed")


def _null(line: int) -> Text:
    nothing = Text("")
    nothing.line, nothing.null = line, True
    return nothing


ParserEvent = Any
"""An event of yaml's parser. Every such event has marks (places in the text), although yaml's own types say that they
may be missing."""


class _Reader:
    """Builds a document from the events of the parser of `yaml`.

    The parser does not recurse, and it reports every alias. Aliases are refused because a few lines of them can expand
    to any amount of memory. Tags are refused because every scalar is text.
    """

    def __init__(self, text: str) -> None:
        self._events: Iterator[ParserEvent] = yaml.parse(text, Loader=yaml.SafeLoader)
        self._anchors: dict[str, int] = {}
        self.problems: list[Problem] = []
        self.line = 1
        """The last line that was read."""

    def document(self) -> Any:
        next(self._events)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return _null(1)
        document = self._node(next(self._events), 1)
        next(self._events)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            self._add(after, "只能有一份文档，多了一行 ---", "there must be one document; this one is a second")
        return document

    def _add(self, event: ParserEvent, zh: str, en: str) -> None:
        self.problems.append(Problem(event.start_mark.line + 1, zh, en))

    def _node(self, event: ParserEvent, depth: int) -> Any:
        line = self.line = event.start_mark.line + 1
        if depth > MAX_DEPTH:
            raise WrongYaml(*self.problems, Problem(line, "嵌套过深", "it is nested too deeply"))
        if isinstance(event, yaml.AliasEvent):
            zh, en = f"不能使用 YAML 别名 *{event.anchor}", f"YAML aliases are not allowed: *{event.anchor}"
            if at := self._anchors.get(event.anchor or ""):
                zh, en = f"{zh}（锚点在第 {at} 行）", f"{en} (its anchor is on line {at})"
            self._add(event, zh, en)
            return _null(line)
        if event.anchor:
            self._anchors[event.anchor] = line
        if event.tag:
            self._add(event, f"不能使用 YAML 标签 {event.tag}", f"YAML tags are not allowed: {event.tag}")
        value = BUILD[type(event)](self, event, depth)
        value.line = line
        return value

    def _text(self, event: yaml.ScalarEvent, _: int) -> Text:
        text = Text(event.value)
        text.null = event.style is None and event.value in NULLS
        return text

    def _items(self, _: ParserEvent, depth: int) -> Items:
        items = Items()
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return items

    def _block(self, _: ParserEvent, depth: int) -> Block:
        block = Block()
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            name, value = self._node(event, depth + 1), self._node(next(self._events), depth + 1)
            value.line = name.line
            if not isinstance(name, Text):
                self._add(event, "名称须为单个值", "a name must be a single value")
            elif name in block:
                self._add(event, f"名称重复: {name}", f"the name {name} is written twice")
            else:
                block[name], block.lines[name] = value, name.line
        return block


BUILD: dict[type, Callable[[_Reader, ParserEvent, int], Any]] = {
    yaml.ScalarEvent: _Reader._text,  # noqa: SLF001 - of this module
    yaml.SequenceStartEvent: _Reader._items,  # noqa: SLF001
    yaml.MappingStartEvent: _Reader._block,  # noqa: SLF001
}
