"""Loads YAML with line numbers. Every scalar stays text, and a duplicate name is an error."""

from __future__ import annotations

from typing import Any

import yaml


class Text(str):  # noqa: SLOT000 - it has the attribute `line`
    """A scalar as it is written, and its line (from 1)."""

    line: int = 0


class Block(dict[str, Any]):
    """A mapping, and the line on which it begins."""

    line: int = 0


class Items(list[Any]):
    """A sequence, and the line on which it begins."""

    line: int = 0


class WrongYaml(ValueError):
    """The text is not valid YAML or uses an excluded feature; `line` is the place, `zh` and `en` are the reason."""

    def __init__(self, line: int, zh: str, en: str) -> None:
        super().__init__(en)
        self.line, self.zh, self.en = line, zh, en


def load(text: str) -> Any:
    """The document as Block, Items and Text. Raises WrongYaml."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        return _value(node, set()) if node else None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise WrongYaml(line, "YAML 格式错误", f"not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise WrongYaml(0, "YAML 格式错误", f"not valid YAML: {error}") from error
    except RecursionError as error:
        raise WrongYaml(0, "嵌套过深", "nested too deeply") from error


def _value(node: yaml.Node, seen: set[int]) -> Any:
    line = node.start_mark.line + 1
    if id(node) in seen:  # a few lines of aliases can expand to any amount of memory
        raise WrongYaml(line, "不能使用 YAML 别名", "YAML aliases are not allowed")
    seen.add(id(node))
    result: Any
    if isinstance(node, yaml.MappingNode):
        result = Block()
        for key, value in node.value:
            name = _value(key, seen)
            if not isinstance(name, str) or name in result:
                raise WrongYaml(key.start_mark.line + 1, f"名称重复: {name}", f"the name {name} is written twice")
            result[name] = _value(value, seen)
    elif isinstance(node, yaml.SequenceNode):
        result = Items(_value(each, seen) for each in node.value)
    else:
        result = Text(node.value)
    result.line = line
    return result
