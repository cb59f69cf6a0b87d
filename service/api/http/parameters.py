"""Query parameters, parsed as strictly as bodies: an unknown parameter is an error, never silently ignored."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, NamedTuple

from flask import request
from werkzeug.routing import BaseConverter, IntegerConverter

from domain.recipient import USCC
from service.api.http.problems import Problem
from service.identities import identity_of
from service.text import DAY, is_visible

MAX_INTEGER = 2**63 - 1


class Parameter(NamedTuple):
    """A query parameter. `read` parses a value or raises ValueError; `about` describes it in English and Chinese."""

    read: Callable[[str], Any]
    schema: dict[str, Any]
    about: tuple[str, str]
    required: bool = False


def read(parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """The parsed values of the request's query parameters, by name; None for an optional parameter that is left out.

    Raises Problem if a parameter is unknown, repeated, invalid, or required but left out.
    """
    given = request.args
    for name in given:
        if name not in parameters or len(given.getlist(name)) > 1:
            raise Problem("bad-parameter", parameter=name, known=sorted(parameters))
    return {name: _read(name, parameter, given.get(name)) for name, parameter in parameters.items()}


def _read(name: str, parameter: Parameter, given: str | None) -> Any:
    if given is None:
        if parameter.required:
            raise Problem("bad-parameter", parameter=name, detail="This is required. 必填。")
        return None
    try:
        return parameter.read(given)
    except ValueError as error:
        raise Problem("bad-parameter", parameter=name, detail=str(error)) from error


def whole(about: str, about_zh: str, minimum: int = 0, maximum: int = MAX_INTEGER) -> Parameter:
    """A parameter whose value is a whole number from `minimum` to `maximum`, both included."""

    def reader(given: str) -> int:
        if not (given.isascii() and given.isdigit() and len(given) <= 19 and minimum <= int(given) <= maximum):
            raise ValueError(
                f"It must be a whole number from {minimum} to {maximum}. 须为 {minimum} 至 {maximum} 的整数。"
            )
        return int(given)

    return Parameter(reader, {"type": "integer", "minimum": minimum, "maximum": maximum}, (about, about_zh))


def one_of(about: str, about_zh: str, *values: str) -> Parameter:
    """A parameter whose value is one of `values`."""

    def reader(given: str) -> str:
        if given not in values:
            listed = ", ".join(values)
            raise ValueError(f"It must be one of: {listed}. 须为其中之一：{listed}。")
        return given

    return Parameter(reader, {"type": "string", "enum": list(values)}, (about, about_zh))


def flag(about: str, about_zh: str) -> Parameter:
    """A parameter whose value is `true` or `false`."""
    either = one_of(about, about_zh, "true", "false")
    return Parameter(lambda given: either.read(given) == "true", {"type": "boolean"}, (about, about_zh))


def text(about: str, about_zh: str, max_length: int = 256) -> Parameter:
    """A parameter whose value is one line of visible characters, taken unchanged."""

    def reader(given: str) -> str:
        if not 0 < len(given) <= max_length or not is_visible(given):
            raise ValueError(f"It must be 1 to {max_length} visible characters. 须为 1 至 {max_length} 个可见字符。")
        return given

    return Parameter(reader, {"type": "string", "minLength": 1, "maxLength": max_length}, (about, about_zh))


def pattern(form: str, about: str, about_zh: str) -> Parameter:
    """A parameter whose whole value matches the regular expression `form`."""

    def reader(given: str) -> str:
        if not re.fullmatch(form, given, re.ASCII):
            raise ValueError(f"It must match {form}. 格式须为 {form}。")
        return given

    return Parameter(reader, {"type": "string", "pattern": f"^{form}$"}, (about, about_zh))


def day(about: str, about_zh: str) -> Parameter:
    """A parameter whose value is a date, `YYYY-MM-DD`."""

    def reader(given: str) -> date:
        if not DAY.fullmatch(given):
            raise ValueError("It must be a day such as 2019-12-20. 须为日期，如 2019-12-20。")
        try:
            return date.fromisoformat(given)
        except ValueError:
            raise ValueError("There is no such day. 没有这一天。") from None

    return Parameter(reader, {"type": "string", "format": "date"}, (about, about_zh))


class CodeConverter(BaseConverter):
    """The code of a fund or project in a URL path. A malformed code gives 404."""

    regex = "[a-z0-9][a-z0-9-]{0,63}"


class NumberConverter(IntegerConverter):
    """A whole number in a URL path, only in ASCII digits: other digits, such as ٣, would give a resource two URLs."""

    regex = "[0-9]{1,19}"


class NameConverter(BaseConverter):
    """The name that the sender gave to a payment, in a URL path. A malformed name gives 404."""

    regex = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"


def named_by(converter: type[BaseConverter], about: str, about_zh: str) -> Parameter:
    """A query parameter whose value must match the regular expression of `converter`, a converter for URL paths.

    With CodeConverter, for example, the value is the code of a fund or a project.
    """
    return pattern(converter.regex, about, about_zh)


FUND = named_by(CodeConverter, "Filter by fund code", "仅限该专项资金")
PROJECT = named_by(CodeConverter, "Filter by project code", "仅限该项目")
AWARD = named_by(NameConverter, "Filter by award name", "仅限该立项")
PAYEE = text("Filter by the payee's name or unified social credit code", "仅限该收款人（名称或统一社会信用代码）")
BATCH = whole("Filter by batch number", "仅限该批次", 1, 99)
MIN_POSITION = whole(
    "Wait until the projections include this log position, to read your own writes", "等待投影到达该位置"
)

RECIPIENT = {
    "uscc": pattern(
        "[0-9A-Z]{18}",
        "Filter by the unified social credit code of the applicant or payee, also before or after a change of name",
        "仅限该申报单位或收款人（统一社会信用代码，含更名前后）",
    ),
    "recipient": Parameter(
        identity_of,
        {"type": "string", "minLength": 1, "maxLength": 64},
        (
            (
                "Filter by the applicant or payee, also before or after a change of name: a social credit code, a"
                " registration (HK/BR/12345678), or the identity of a person from POST /v1/identities"
            ),
            "仅限该申报单位或收款人（含更名前后）：代码、登记号（HK/BR/12345678）或 POST /v1/identities 给出的个人标识",
        ),
    ),
}
"""The filters of a register by recipient; `one_identity` makes one of them."""


def one_identity(uscc: str | None, recipient: str | None) -> str | None:
    """The identity that one of the two parameters of RECIPIENT asks for; None if both are left out.

    Raises Problem if both are given.
    """
    if uscc and recipient:
        detail = "Give either uscc or recipient. uscc 与 recipient 只填其一。"
        raise Problem("bad-parameter", parameter="recipient", detail=detail)
    return f"{USCC}:{uscc}" if uscc else recipient


_VERSION = re.compile(r'"(0|[1-9][0-9]{0,15})"', re.ASCII)


def version_of(header: str, name: str) -> int:
    """The stream version in the conditional header `name`, whose value is `header`.

    The value must be one strong entity tag such as "41". Raises Problem otherwise.
    """
    found = _VERSION.fullmatch(header.strip())
    if found is None:
        raise Problem(
            "bad-header", header=name, detail='It must be one version such as "41". 须为单个版本号，如 "41"。'
        )
    return int(found[1])
