"""Which rules a chapter of the domain can raise: those in what its functions name, and in what that names in turn."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from functools import cache
from importlib import import_module
from types import ModuleType

import domain

Definition = tuple[str, str]
"""A module's name, and that of something it defines."""


@cache
def _modules() -> dict[str, ModuleType]:
    found = (each.name for each in pkgutil.walk_packages(domain.__path__, "domain."))
    return {name: import_module(name) for name in found if not name.startswith("domain.rules")}


@cache
def _definitions() -> dict[Definition, list[ast.AST]]:
    """The functions, methods and values of every module; a class is its methods."""
    definitions: dict[Definition, list[ast.AST]] = {}
    for name, module in _modules().items():
        for node in ast.parse(inspect.getsource(module)).body:
            parts = node.body if isinstance(node, ast.ClassDef) else [node]
            for part in parts:
                targets = part.targets if isinstance(part, ast.Assign) else [getattr(part, "target", part)]
                for target in targets:
                    if called := getattr(target, "name", None) or getattr(target, "id", None):
                        definitions.setdefault((name, called), []).append(part)
    return definitions


@cache
def _defined_as(name: str) -> list[Definition]:
    return [each for each in _definitions() if each[1] == name]


def _named(module: str, node: ast.AST) -> list[Definition]:
    """What a name may mean: a plain one, what this module defines or imports; an attribute, whatever has its name."""
    if isinstance(node, ast.Attribute):
        return _defined_as(node.attr)
    if not isinstance(node, ast.Name):
        return []
    if (module, node.id) in _definitions():
        return [(module, node.id)]
    found = getattr(_modules()[module], node.id, None)
    home = getattr(found, "__module__", None)
    return [(home, node.id)] if (home, node.id) in _definitions() else _imported_value(node.id, found)


def _imported_value(name: str, found: object) -> list[Definition]:
    """A value does not know its module: the one that has it under this name."""
    homes = _defined_as(name) if found is not None else []
    return [each for each in homes if vars(_modules()[each[0]]).get(name) is found]


def raised_from(module: str, *functions: str) -> set[str]:
    """The names of the rules that these functions of a module may raise."""
    raised: set[str] = set()
    waiting: list[Definition] = [(module, name) for name in functions if (module, name) in _definitions()]
    seen = set(waiting)
    while waiting:
        at = waiting.pop()
        for node in (each for part in _definitions()[at] for each in ast.walk(part)):
            if isinstance(node, ast.Raise):
                what = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                raised |= {what.id} if isinstance(what, ast.Name) else set()
            new = set(_named(at[0], node)) - seen
            seen |= new
            waiting += new
    return raised
