"""The vocabulary of what may be posted: strict fields, messages in two languages, nothing coerced or rounded."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, NoReturn, cast

from marshmallow import Schema, ValidationError, fields, missing, post_load
from marshmallow.experimental.context import Context

from domain.money import MAX_FEN, Money
from domain.state.entities import BankAccount
from service.text import DAY, is_visible

MESSAGES: dict[str, str | list[Any] | dict[Any, Any]] = {
    "required": "This is required. 必填。",
    "null": "This may not be null. 不能为空。",
    "type": "This is of the wrong JSON type. JSON 类型错误。",
    "invalid": "This is of the wrong JSON type. JSON 类型错误。",
    "unknown": "There is no such field. 没有此字段。",
}


Reader = Callable[[Any, str, Any], Any]


class Bilingual(fields.Field[Any]):
    default_error_messages = MESSAGES

    @property
    def json_schema(self) -> dict[str, Any]:
        """What the published contract says of this field's values."""
        return {}

    def refuse(self, english: str, chinese: str) -> NoReturn:
        raise ValidationError(f"{english} {chinese}")


class Text(Bilingual):
    """A line of text, without unseen characters and without space around it."""

    def __init__(self, most: int = 200, **options: Any) -> None:
        super().__init__(**options)
        self.most = most

    @property
    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.most}

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("type")
        if not 0 < len(value) <= self.most:
            self.refuse(f"It must have 1 to {self.most} characters.", f"长度须为 1 至 {self.most} 个字符。")
        if value.isascii() and value.isprintable() and value[0] != " " != value[-1]:
            return value
        if not is_visible(value) or value != value.strip() or not unicodedata.is_normalized("NFC", value):
            self.refuse("It must not have unseen characters or space around it.", "不得含不可见字符或首尾空格。")
        return value


class Party(Text):
    """A person's or an organisation's name. No account number: it would be kept in clear."""

    NUMBER = re.compile(r"\d(?:[\W_]{0,3}\d){11}")

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        name = super()._deserialize(value, *args, **kwargs)
        if self.NUMBER.search(name):
            self.refuse("It must be a name, without a long number in it.", "须为名称，不得含长串号码。")
        return name


class Pattern(Text):
    """Text of one form."""

    def __init__(self, pattern: str, english: str, chinese: str, **options: Any) -> None:
        super().__init__(**options)
        self.pattern, self.says = re.compile(pattern, re.ASCII), (english, chinese)

    @property
    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^({self.pattern.pattern})$", "description": " ".join(self.says)}

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, *args, **kwargs)
        if not self.pattern.fullmatch(text):
            self.refuse(*self.says)
        return text


class Code(Pattern):
    """A fund's or a project's code, as it stands in addresses."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            "[a-z0-9][a-z0-9-]{0,63}",
            "It must be lower-case letters, digits and hyphens, at most 64.",
            "须为小写字母、数字和连字符，最多 64 个。",
            **options,
        )


class Name(Pattern):
    """The sender's name for an application, an award, a payment and the like."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            "[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
            "It must be letters, digits, dots, hyphens and underscores, at most 64.",
            "须为字母、数字、点、连字符和下划线，最多 64 个。",
            **options,
        )


class Stream(Pattern):
    """A fund's or a project's stream."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            "(fund|project)/[a-z0-9][a-z0-9-]{0,63}",
            "It must be a stream such as project/yx-ip-2018-03.",
            "须为事件流，如 project/yx-ip-2018-03。",
            **options,
        )


class RuleName(Pattern):
    """The name of a rule, as refusals give it; whether there is such a rule is the domain's business."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            "[A-Z][A-Za-z]{0,63}",
            "It must be a rule's name, such as OutsideWindow.",
            "须为规则名称，如 OutsideWindow。",
            **options,
        )


class Uscc(Pattern):
    """The form of a unified social credit code; its check digit is the domain's business."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            "[0-9A-HJ-NPQRTUWXY]{18}",
            "It must be a unified social credit code of 18 characters.",
            "须为 18 位统一社会信用代码。",
            **options,
        )


class Sha256(Pattern):
    def __init__(self, **options: Any) -> None:
        super().__init__(
            "[0-9a-f]{64}",
            "It must be 64 lower-case hexadecimal digits.",
            "须为 64 位小写十六进制数。",
            **options,
        )


class Amount(Bilingual):
    """Yuan with exactly two places, as a string: "1020000.00". More than zero, unless `least` is 0."""

    def __init__(self, least: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.least = least

    @property
    def json_schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "pattern": r"^(0|[1-9][0-9]{0,11})\.[0-9]{2}$",
            **({"not": {"const": "0.00"}} if self.least else {}),
            "description": "Yuan with exactly two places. 元，两位小数。",
        }

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Money:
        if not isinstance(value, str):
            raise self.make_error("type")
        try:
            money = Money.parse(value)
        except ValueError:
            money = Money(-1)
        if not self.least <= money <= MAX_FEN:
            above, above_zh = ("above zero ", "大于零、") if self.least else ("", "")
            self.refuse(
                f'It must be an amount in yuan {above}with two places, such as "1020000.00".',
                f'须为{above_zh}两位小数的元金额，如 "1020000.00"。',
            )
        return money


class Score(Pattern):
    def __init__(self, **options: Any) -> None:
        super().__init__(
            r"(0|[1-9][0-9]{0,3})(\.[0-9]{1,2})?",
            'It must be a score such as "92.5".',
            "须为评分，如 “92.5”。",
            **options,
        )

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return Decimal(super()._deserialize(value, *args, **kwargs))


class Day(Bilingual):
    """A day in Asia/Shanghai, `YYYY-MM-DD`."""

    SAYS = ("It must be a day such as 2019-12-20.", "须为日期，如 2019-12-20。")
    json_schema: ClassVar[dict[str, Any]] = {"type": "string", "format": "date"}

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date:
        if not isinstance(value, str):
            raise self.make_error("type")
        if not DAY.fullmatch(value):
            self.refuse(*self.SAYS)
        try:
            day = date.fromisoformat(value)
        except ValueError:
            self.refuse(*self.SAYS)
        if not 1949 <= day.year <= 2199:
            self.refuse("It must lie between 1949 and 2199.", "年份须在 1949 至 2199 之间。")
        return day


class Period(Pattern):
    """A month whose books are closed, `YYYY-MM`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            "(19(49|[5-9][0-9])|2[01][0-9]{2})-(0[1-9]|1[0-2])",
            "It must be a month such as 2019-03, between 1949 and 2199.",
            "须为月份，如 2019-03，年份在 1949 至 2199 之间。",
            **options,
        )


class Whole(Bilingual):
    """A whole number between bounds, both included."""

    def __init__(self, least: int, most: int, **options: Any) -> None:
        super().__init__(**options)
        self.least, self.most = least, most

    @property
    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.make_error("type")
        if not self.least <= value <= self.most:
            self.refuse(
                f"It must be a whole number from {self.least} to {self.most}.",
                f"须为 {self.least} 至 {self.most} 的整数。",
            )
        return value


class Flag(Bilingual):
    json_schema: ClassVar[dict[str, Any]] = {"type": "boolean"}

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("type")
        return value


class Choice(Text):
    """One of a few words."""

    def __init__(self, *words: str, **options: Any) -> None:
        super().__init__(**options)
        self.words = words

    @property
    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.words)}

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, *args, **kwargs)
        if text not in self.words:
            words = ", ".join(self.words)
            self.refuse(f"It must be one of: {words}.", f"须为其中之一：{words}。")
        return text


class Member(Choice):
    """One of the words of an enumeration, made into its member."""

    def __init__(self, kind: type[StrEnum], **options: Any) -> None:
        super().__init__(*kind, **options)
        self.kind = kind

    def _deserialize(self, *args: Any, **kwargs: Any) -> StrEnum:
        return self.kind(super()._deserialize(*args, **kwargs))


class Account(Pattern):
    """A bank account number: taken in clear, kept as its last four digits and a keyed digest."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            "[0-9A-Za-z]([ -]?[0-9A-Za-z]){4,33}",
            "It must be a bank account number of 5 to 34 digits or letters.",
            "须为 5 至 34 位数字或字母的银行账号。",
            **options,
        )

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        number = super()._deserialize(value, *args, **kwargs).replace(" ", "").replace("-", "").upper()
        return bank_account(Context.get(), number)


def bank_account(secret: bytes, number: str) -> BankAccount:
    """What may be kept of an account number: 128 bits to compare it by, worthless without the secret."""
    digest = hmac.digest(secret, b"account:" + number.encode(), hashlib.sha256).hex()[:32]
    return BankAccount(number[-4:], digest)


class Quick(Schema):
    """A schema that reads what is right in one pass over its fields; where anything is wrong, marshmallow says what.

    A post's schemas were most of its time: marshmallow asks each field nine questions that none of ours answers.
    """

    error_messages = cast(dict[str, str], MESSAGES)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._readers = {name: cast(Reader, field._deserialize) for name, field in self.load_fields.items()}  # noqa: SLF001
        absent = {name: field.load_default for name, field in self.load_fields.items() if not field.required}
        self._defaults = {name: default for name, default in absent.items() if default is not missing}
        self._required = self.load_fields.keys() - absent.keys()

    def load(self, data: Any, **options: Any) -> Any:
        """As marshmallow's. Raises ValidationError."""
        try:
            return self.quick(data)
        except (ValidationError, _NotQuick):
            return super().load(data, **options)

    def quick(self, data: Any) -> Any:
        """What `load` makes of right data. Raises ValidationError or _NotQuick otherwise, which need not say why."""
        if type(data) is not dict or not self._required <= data.keys():
            raise _NotQuick
        read = dict(self._defaults)
        for name, value in data.items():
            reader = self._readers.get(name)
            if reader is None or value is None:
                raise _NotQuick
            read[name] = reader(value, name, data)
        return self.made(read)

    def made(self, read: dict[str, Any]) -> Any:
        """What the read fields make; overridden where that is not a dictionary."""
        return read

    @post_load
    def make(self, data: Any, **_: Any) -> Any:
        """Marshmallow's way to the same."""
        return self.made(dict(data))


class _NotQuick(Exception):
    """It needs marshmallow."""


class Shape(Quick):
    """An object of the named fields and no others, made into `makes`."""

    makes: ClassVar[type[Any]]

    def made(self, read: dict[str, Any]) -> Any:
        return self.makes(**read)


class One(fields.Nested):
    """One object of a shape."""

    default_error_messages = MESSAGES

    def _deserialize(self, value: Any, *args: Any, **options: Any) -> Any:
        try:
            return cast(Quick, self.schema).quick(value)
        except (ValidationError, _NotQuick):
            return super()._deserialize(value, *args, **options)


MAX_ERRORS = 20
"""How many wrong items of a list are told."""


class Rows(fields.List[Any]):
    """One to `most` items, as a tuple."""

    default_error_messages = MESSAGES

    def __init__(self, item: fields.Field[Any], most: int = 1_000, least: int = 1, **options: Any) -> None:
        super().__init__(item, **options)
        self.least, self.most = least, most

    @property
    def json_schema(self) -> dict[str, Any]:
        return {"minItems": self.least, "maxItems": self.most}

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        if not self.least <= len(value) <= self.most:
            raise ValidationError(
                f"It must have {self.least} to {self.most} items. 须有 {self.least} 至 {self.most} 项。"
            )
        read, errors = [], {}
        for index, each in enumerate(value):
            try:
                read.append(self.inner.deserialize(each))
            except ValidationError as error:
                errors[index] = error.messages
                if len(errors) == MAX_ERRORS:
                    break  # a body of nothing but errors must not cost more than a right one
        if errors:
            raise ValidationError(errors)
        return tuple(read)
