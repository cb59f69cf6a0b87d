"""What stands in many answers: amounts, days, positions, documents, problems."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, NotRequired, TypedDict

from msgspec import Meta

Yuan = Annotated[
    str, Meta(pattern=r"^-?(0|[1-9][0-9]*)\.[0-9]{2}$", description="Yuan with exactly two places. 元，两位小数。")
]
Position = Annotated[int, Meta(ge=0, description="A position in the log. 日志位置。")]
Fen = Annotated[
    str, Meta(description="Serials of fen as half-open ranges, as PostgreSQL writes them. 分的编号，左闭右开区间。")
]
Cursor = Annotated[str | None, Meta(description="`after` of the next page, null at the end. 下一页的 after。")]
Day = date


class Problem(TypedDict):
    """RFC 9457, with the title in Chinese too."""

    type: str
    title: str
    title_zh: str
    status: int
    remedy: str
    remedy_zh: str
    detail: NotRequired[str]
    rule: NotRequired[str]
    waivable: NotRequired[Annotated[str, Meta(description="What the rule may be waived for. 可豁免的对象。")]]
    facts: NotRequired[dict[str, Any]]
    errors: NotRequired[list[ErrorAt]]
    outcomes: NotRequired[list[dict[str, Any]]]


class ErrorAt(TypedDict):
    pointer: str
    detail: str


class AsOf(TypedDict):
    position: Position
    booked_on: NotRequired[Day]


class Document(TypedDict):
    kind: str
    number: str
    title: NotRequired[str]
    issuer: NotRequired[str]
    date: NotRequired[Day]
    sha256: NotRequired[str]
    year: NotRequired[int]
    item: NotRequired[int]
