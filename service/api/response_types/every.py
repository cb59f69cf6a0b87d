"""Types that many responses share: amounts, dates, positions, documents, problems."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

Yuan = Annotated[
    str,
    Meta(
        pattern=r"^-?(0|[1-9][0-9]*)\.[0-9]{2}$",
        description="Amount in yuan with exactly two decimal places. 元，两位小数。",
    ),
]
Position = Annotated[int, Meta(ge=0, description="A position in the log. 日志位置。")]
Fen = Annotated[
    str,
    Meta(description="Serial numbers of fen, as a PostgreSQL multirange (half-open ranges). 分的编号，左闭右开区间。"),
]
SerialText = Annotated[
    str,
    Meta(
        pattern="^[0-9]{1,19}$",
        description="The same serial number as text, exact also above 2^53. 同一编号的文本形式，超过 2^53 也准确。",
    ),
]
Cursor = Annotated[
    str | None, Meta(description="The `after` of the next page; null if there is none. 下一页的 after。")
]
Person = Annotated[
    str | None,
    Meta(description="Who uses the key, if it names its person. 密钥所指明的使用人，未指明则为空。"),
]
DistinguishedBy = Annotated[
    Literal["person", "name_and_key", "name"] | None,
    Meta(
        description="What shows that two people took the steps: the persons whom the keys name, or typed names and "
        "keys. 凭什么认定由两人办理：密钥所指明的人员，或填写的姓名与密钥。"
    ),
]
Day = date


class Problem(TypedDict):
    """A problem document (RFC 9457) in English and Chinese.

    `remedy` says how to resolve the problem. A refusal also has its `rule` and the `facts` of its message; a failed
    validation has `errors`; a refused bundle has the `outcomes` of its events.
    """

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
    kept: NotRequired[
        Annotated[
            bool,
            Meta(description="false: the refusal could not be stored, so /v1/refusals lacks it. 为 false 时未能存入。"),
        ]
    ]
    errors: NotRequired[list[ErrorAt]]
    outcomes: NotRequired[list[dict[str, Any]]]
    fund: NotRequired[str | None]
    position: NotRequired[Position]
    request_id: NotRequired[
        Annotated[
            str,
            Meta(
                description="The id of the request, as in the header X-Request-Id and in the service's log."
                " 本次请求的编号，与标头 X-Request-Id 及服务日志一致。"
            ),
        ]
    ]


class ErrorAt(TypedDict):
    """A validation error.

    `pointer` is a JSON pointer into the request body or, for a statement file, the place in the file, such as `row 7,
    column D`.
    """

    pointer: str
    detail: str


class HeldFund(TypedDict):
    """A fund whose event at `position` cannot be folded.

    Of this fund's events, the tables reflect only the events before `position`.
    """

    fund: str
    position: Position


class AsOf(TypedDict):
    """The log position that the response reflects, and the booking date if one was requested.

    `held`: the held funds, if the response is a list over several funds. Of a held fund's events, the list
    reflects only the events before the `position` that `held` gives for this fund.
    """

    position: Position
    booked_on: NotRequired[Day]
    held: NotRequired[list[HeldFund]]


Level = Literal["central", "provincial", "municipal", "district", "other"]


class Document(TypedDict):
    """A document or voucher that an event cites."""

    kind: str
    number: str
    title: NotRequired[str]
    issuer: NotRequired[str]
    date: NotRequired[Day]
    sha256: NotRequired[str]
    year: NotRequired[int]
    item: NotRequired[int]
