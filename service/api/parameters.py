"""Query parameters, read as strictly as bodies: an unknown one is an error, not a wish that is silently ignored."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from flask import request
from werkzeug.routing import BaseConverter

from service.api.fields import Day
from service.api.problems import Problem

MOST = 2**63 - 1


def read(**readers: Callable[[str], Any]) -> dict[str, Any]:
    """The request's parameters by name, each read by its reader, None where left out. Raises Problem."""
    for name in request.args:
        if name not in readers or len(request.args.getlist(name)) > 1:
            raise Problem("bad-parameter", parameter=name, known=sorted(readers))
    return {name: _read(name, reader) for name, reader in readers.items()}


def _read(name: str, reader: Callable[[str], Any]) -> Any:
    text = request.args.get(name)
    if text is None:
        return None
    try:
        return reader(text)
    except ValueError as error:
        raise Problem("bad-parameter", parameter=name, detail=str(error)) from error


def whole(least: int = 0, most: int = MOST) -> Callable[[str], int]:
    """A whole number between bounds."""

    def reader(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 19 and least <= int(text) <= most):
            raise ValueError(f"It must be a whole number from {least} to {most}. 须为 {least} 至 {most} 的整数。")
        return int(text)

    return reader


def one_of(*words: str) -> Callable[[str], str]:
    """One of a few words."""

    def reader(text: str) -> str:
        if text not in words:
            listed = ", ".join(words)
            raise ValueError(f"It must be one of: {listed}. 须为其中之一：{listed}。")
        return text

    return reader


class CodeConverter(BaseConverter):
    """A fund's or project's code in an address; any other text there is not found."""

    regex = "[a-z0-9][a-z0-9-]{0,63}"


def code(text: str) -> str:
    """A fund's or project's code."""
    if not re.fullmatch(CodeConverter.regex, text, re.ASCII):
        raise ValueError("It must be a code such as yx-ip-2018. 须为代码，如 yx-ip-2018。")
    return text


def day(text: str) -> date:
    """A day, `YYYY-MM-DD`."""
    if not Day.FORM.fullmatch(text):
        raise ValueError("It must be a day such as 2019-12-20. 须为日期，如 2019-12-20。")
    return date.fromisoformat(text)


def flag(text: str) -> bool:
    return one_of("true", "false")(text) == "true"
