"""Finds the rules that functions of the domain can raise, by following the names in the functions' source code."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from functools import cache
from importlib import import_module
from types import ModuleType

import domain
from domain.rules import RULES

Definition = tuple[str, str]
"""The name of a module, and the name of a function, method or value that the module defines."""


@cache
def _modules() -> dict[str, ModuleType]:
    names = (each.name for each in pkgutil.walk_packages(domain.__path__, "domain."))
    return {name: import_module(name) for name in names if not name.startswith("domain.rules")}


@cache
def _definitions() -> dict[Definition, list[ast.AST]]:
    """The source of each function, method and value of the domain, as syntax trees. A class has only its methods."""
    definitions: dict[Definition, list[ast.AST]] = {}
    for name, module in _modules().items():
        for node in ast.parse(inspect.getsource(module)).body:
            parts = node.body if isinstance(node, ast.ClassDef) else [node]
            for part in parts:
                targets = part.targets if isinstance(part, ast.Assign) else [getattr(part, "target", part)]
                for target in targets:
                    if defined := getattr(target, "name", None) or getattr(target, "id", None):
                        definitions.setdefault((name, defined), []).append(part)
    return definitions


@cache
def _defined_as(name: str) -> list[Definition]:
    return [each for each in _definitions() if each[1] == name]


def _meanings(module: str, node: ast.AST) -> list[Definition]:
    """The definitions that a node in the source of `module` may refer to.

    A plain name refers to what `module` defines or imports under this name. An attribute may refer to any definition
    with this name.
    """
    if isinstance(node, ast.Attribute):
        return _defined_as(node.attr)
    if not isinstance(node, ast.Name):
        return []
    if (module, node.id) in _definitions():
        return [(module, node.id)]
    value = getattr(_modules()[module], node.id, None)
    home = getattr(value, "__module__", None)
    return [(home, node.id)] if (home, node.id) in _definitions() else _imported_value(node.id, value)


def _imported_value(name: str, value: object) -> list[Definition]:
    """The definition of the imported object `value`: the definition under `name` that is the same object.

    A value, unlike a function or class, has no `__module__` that would name its module.
    """
    candidates = _defined_as(name) if value is not None else []
    return [each for each in candidates if vars(_modules()[each[0]]).get(name) is value]


def raised_from(module: str, *functions: str) -> set[str]:
    """The names of the rules that `functions` of `module` can raise, directly or through what they call.

    A refusal that is made is raised, by who makes it or by `Context.improper`.
    """
    raised: set[str] = set()
    waiting: list[Definition] = [(module, name) for name in functions if (module, name) in _definitions()]
    seen = set(waiting)
    while waiting:
        at = waiting.pop()
        for node in (each for part in _definitions()[at] for each in ast.walk(part)):
            made = node.exc if isinstance(node, ast.Raise) else node.func if isinstance(node, ast.Call) else None
            raised |= {made.id} if isinstance(made, ast.Name) and made.id in RULES else set()
            new = set(_meanings(at[0], node)) - seen
            seen |= new
            waiting += new
    return raised
