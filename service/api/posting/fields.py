"""Marshmallow fields for posted events: strict (nothing is coerced or rounded), with errors in English and Chinese."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any, ClassVar, NoReturn

from marshmallow import ValidationError, fields
from marshmallow.experimental.context import Context

from domain.money import MAX_FEN, Money
from domain.state.entities import BankAccount
from service.api.posting.readers import UNREADABLE, Namer, Unreadable
from service.identities import SEPARATORS, is_id_card, may_be_personal, personal_id
from service.text import DAY, is_visible

MESSAGES: dict[str, str | list[Any] | dict[Any, Any]] = {
    "required": "This field is required. 必填。",
    "null": "This field must not be null. 不能为空。",
    "type": "This value has the wrong JSON type. JSON 类型错误。",
    "invalid": "This value has the wrong JSON type. JSON 类型错误。",
    "unknown": "There is no such field. 没有此字段。",
}
"""Maps marshmallow's name of an error, such as `required`, to the message in English and Chinese."""

_VISIBLE = "!-~\u00a1-\u00ac\u00ae-\u017f\u2010-\u2027\u3001-\u3029\u3030-\u303f\u4e00-\u9fff\uff01-\uff5e"
PLAIN = re.compile(f"[{_VISIBLE}](?:[ {_VISIBLE}]*[{_VISIBLE}])?")
"""Matches text that is right for sure: visible characters that the normal form C leaves as they are, and spaces within.
Other text is checked character by character."""


class Bilingual(fields.Field[Any]):
    """A field whose error messages are in English and Chinese."""

    default_error_messages = MESSAGES

    @property
    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of the field's values, for the published contract."""
        return {}

    def expression(self, value: str, name: Namer) -> str:
        """How a generated reader reads the field (readers.py); here by calling this field."""
        return f"{name(self._deserialize)}({value}, None, None)"

    def reject(self, english: str, chinese: str) -> NoReturn:
        raise ValidationError(f"{english} {chinese}")


class Text(Bilingual):
    """One line of visible characters in Unicode normal form C, without leading or trailing spaces."""

    def __init__(self, max_length: int = 200, **options: Any) -> None:
        super().__init__(**options)
        self.max_length = max_length

    @property
    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.max_length}

    def expression(self, value: str, name: Namer) -> str:
        return f"{value} if {self._is_plain(value, name)} else {super().expression(value, name)}"

    def _is_plain(self, value: str, name: Namer) -> str:
        """The expression that says whether a value is usual text. What is not may be right nevertheless."""
        return f"type({value}) is str and len({value}) <= {self.max_length} and {name(PLAIN.fullmatch)}({value})"

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("type")
        if not 0 < len(value) <= self.max_length:
            self.reject(f"It must have 1 to {self.max_length} characters.", f"长度须为 1 至 {self.max_length} 个字符。")
        if value.isascii() and value.isprintable() and value[0] != " " != value[-1]:
            return value
        if not is_visible(value) or value != value.strip() or not unicodedata.is_normalized("NFC", value):
            self.reject(
                "It must be visible characters in Unicode form NFC, without leading or trailing spaces.",
                "须为 Unicode NFC 形式，不得含不可见字符或首尾空格。",
            )
        return value


class Source(Text):
    """The `source` of a posted CloudEvent. An API key can be limited to certain sources."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=256, **options)


class Party(Text):
    """The name of a person or an organisation. Account numbers are rejected: they would be stored in plain text."""

    NUMBER = re.compile(r"\d(?:[\W_]{0,3}\d){11}")

    def _is_plain(self, value: str, name: Namer) -> str:
        return f"{super()._is_plain(value, name)} and not {name(self.NUMBER.search)}({value})"

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        name = super()._deserialize(value, *args, **kwargs)
        if self.NUMBER.search(name):
            self.reject("It must be a name, without a number of 12 or more digits.", "须为名称，不得含长串号码。")
        return name


class Pattern(Text):
    """Text that matches a regular expression completely."""

    def __init__(self, pattern: str, english: str, chinese: str, **options: Any) -> None:
        super().__init__(**options)
        self.pattern, self.message = re.compile(pattern, re.ASCII), (english, chinese)

    @property
    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^({self.pattern.pattern})$", "description": " ".join(self.message)}

    def _is_plain(self, value: str, name: Namer) -> str:
        return f"{super()._is_plain(value, name)} and {name(self.pattern.fullmatch)}({value})"

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, *args, **kwargs)
        if not self.pattern.fullmatch(text):
            self.reject(*self.message)
        return text


class Code(Pattern):
    """The code of a fund or a project, as in URL paths and stream names."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            "[a-z0-9][a-z0-9-]{0,63}",
            "It must have at most 64 lower-case letters, digits and hyphens, and begin with a letter or digit.",
            "须为小写字母、数字和连字符，最多 64 个，以字母或数字开头。",
            **options,
        )


class Name(Pattern):
    """The identifier that the sender gives to an application, an objection, an award, a payment or a recovery."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            "[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
            "It must have at most 64 letters, digits, dots, hyphens and underscores, and begin with a letter or digit.",
            "须为字母、数字、点、连字符和下划线，最多 64 个，以字母或数字开头。",
            **options,
        )


class Checkpoint(Text):
    """The name of a checkpoint of a line of the plan, or of a gate; it may be in Chinese, such as 中期检查."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=20, **options)


class Stream(Pattern):
    """The name of the stream of a fund or a project."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            "(fund|project)/[a-z0-9][a-z0-9-]{0,63}",
            "It must be the name of a stream, such as project/yx-ip-2018-03.",
            "须为事件流，如 project/yx-ip-2018-03。",
            **options,
        )


class RuleName(Pattern):
    """The name of a rule, as in the `rule` member of a refusal. The domain checks that the rule exists."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            "[A-Z][A-Za-z]{0,63}",
            "It must be the name of a rule, such as OutsideWindow.",
            "须为规则名称，如 OutsideWindow。",
            **options,
        )


def not_personal(field: Bilingual, text: str) -> None:
    """Raises ValidationError if the text may contain the number of an identity card, which is never stored."""
    if may_be_personal(text):
        field.reject(
            "It must not be the number of an identity card, or look like one; give that as `id_card`, or omit it.",
            "不得为（或形似）身份证号码；身份证号码填 id_card，或不填。",
        )


class UnitCode(Text):
    """Text for the code of a unit, which must not be the number of a person's identity card: it is not stored."""

    def _is_plain(self, value: str, name: Namer) -> str:
        return f"{super()._is_plain(value, name)} and not {name(may_be_personal)}({value})"

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, *args, **kwargs)
        not_personal(self, text)
        return text


class CodeOnSlip(UnitCode):
    """The code of the payee on a bank slip, which a bank may write in any form."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=30, **options)


class Uscc(Pattern, UnitCode):
    """A unified social credit code; only its characters are checked here. The domain checks the check digit."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            "[0-9A-HJ-NPQRTUWXY]{18}",
            "It must be a unified social credit code of 18 characters.",
            "须为 18 位统一社会信用代码。",
            **options,
        )


class IdCard(Pattern):
    """The number of an identity card 身份证, posted in clear. Only its last four characters and a digest are stored.

    The secret in marshmallow's Context is the key of the digest.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("[0-9]{17}[0-9Xx]", *self.MESSAGE, **options)

    MESSAGE = ("It must be a valid number of an identity card of 18 characters.", "须为有效的 18 位身份证号码。")

    def expression(self, value: str, name: Namer) -> str:
        return f"{name(self._deserialize)}({value}, None, None)"

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        number = super()._deserialize(value, *args, **kwargs).upper()
        if not is_id_card(number):
            self.reject(*self.MESSAGE)
        return personal_id(Context.get(), number)


class Country(Pattern):
    """The code of a country or region. China has codes of its own: of units, and of identity cards."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            "(?!CN)[A-Z]{2}",
            "It must be the code of a country or region other than CN, two capital letters (ISO 3166).",
            "须为 CN 以外的国家或地区代码（ISO 3166，两位大写字母）。",
            **options,
        )


class Register(Pattern):
    """The register of a registration number, such as BR (Hong Kong, 商业登记) or UBN (Taiwan, 统一编号)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            "[A-Z][A-Z0-9]{0,9}",
            "It must have at most 10 capital letters and digits, and begin with a letter.",
            "须为至多 10 位大写字母和数字，以字母开头。",
            **options,
        )


class RegistrationNumber(Pattern):
    """The number of a registration. It is stored in capital letters, without the characters between its groups."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            "[0-9A-Za-z]([ ./-]?[0-9A-Za-z]){0,29}",
            "It must have 1 to 30 digits or letters.",
            "须为 1 至 30 位数字或字母。",
            **options,
        )

    def expression(self, value: str, name: Namer) -> str:
        return f"{name(self._deserialize)}({value}, None, None)"

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        number = super()._deserialize(value, *args, **kwargs).translate(SEPARATORS).upper()
        not_personal(self, number)
        return number


class Sha256(Pattern):
    """A SHA-256 digest in hexadecimal."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            "[0-9a-f]{64}",
            "It must be 64 lower-case hexadecimal digits.",
            "须为 64 位小写十六进制数。",
            **options,
        )


class Amount(Bilingual):
    """An amount in yuan, a string with exactly two decimal places: "1020000.00". The `minimum` is 0 or 1, in fen."""

    def __init__(self, minimum: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.minimum = minimum

    @property
    def json_schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "pattern": r"^(0|[1-9][0-9]{0,11})\.[0-9]{2}$",
            **({"not": {"const": "0.00"}} if self.minimum else {}),
            "description": "Yuan with exactly two decimal places. 元，两位小数。",
        }

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Money:
        if not isinstance(value, str):
            raise self.make_error("type")
        try:
            money = Money.parse(value)
        except ValueError:
            money = Money(-1)
        if not self.minimum <= money <= MAX_FEN:
            above, above_zh = ("above zero ", "大于零、") if self.minimum else ("", "")
            self.reject(
                f'It must be an amount in yuan {above}with exactly two decimal places, such as "1020000.00".',
                f'须为{above_zh}两位小数的元金额，如 "1020000.00"。',
            )
        return money


class Score(Pattern):
    """A review score: a string with at most two decimal places, loaded as a Decimal."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            r"(0|[1-9][0-9]{0,3})(\.[0-9]{1,2})?",
            'It must be a score with at most two decimal places, such as "92.5".',
            "须为最多两位小数的评分，如 “92.5”。",
            **options,
        )

    def expression(self, value: str, name: Namer) -> str:
        return f"{name(Decimal)}({super().expression(value, name)})"

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return Decimal(super()._deserialize(value, *args, **kwargs))


class Percent(Score):
    """A score of at most 100, with at most two decimal places, loaded as a Decimal."""

    def __init__(self, **options: Any) -> None:
        super(Score, self).__init__(
            r"100(\.0{1,2})?|(0|[1-9][0-9]?)(\.[0-9]{1,2})?",
            'It must be a score from 0 to 100 with at most two decimal places, such as "92.5".',
            "须为 0 至 100、最多两位小数的评分，如 “92.5”。",
            **options,
        )


class Day(Bilingual):
    """A date in Asia/Shanghai, `YYYY-MM-DD`."""

    MESSAGE = ("It must be a date such as 2019-12-20.", "须为日期，如 2019-12-20。")
    json_schema: ClassVar[dict[str, Any]] = {"type": "string", "format": "date"}

    def expression(self, value: str, name: Namer) -> str:
        return f"{name(_day)}({value}) if type({value}) is str else {UNREADABLE}"

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date:
        if not isinstance(value, str):
            raise self.make_error("type")
        if not DAY.fullmatch(value):
            self.reject(*self.MESSAGE)
        try:
            day = date.fromisoformat(value)
        except ValueError:
            self.reject(*self.MESSAGE)
        if not 1949 <= day.year <= 2199:
            self.reject("The year must be from 1949 to 2199.", "年份须在 1949 至 2199 之间。")
        return day


class Period(Pattern):
    """An accounting period: a month, `YYYY-MM`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            "(19(49|[5-9][0-9])|2[01][0-9]{2})-(0[1-9]|1[0-2])",
            "It must be a month such as 2019-03, from 1949 to 2199.",
            "须为月份，如 2019-03，年份在 1949 至 2199 之间。",
            **options,
        )


class Integer(Bilingual):
    """A JSON integer between two bounds, both included."""

    def __init__(self, minimum: int, maximum: int, **options: Any) -> None:
        super().__init__(**options)
        self.minimum, self.maximum = minimum, maximum

    @property
    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}

    def expression(self, value: str, _: Namer) -> str:
        is_right = f"type({value}) is int and {self.minimum} <= {value} <= {self.maximum}"
        return f"{value} if {is_right} else {UNREADABLE}"

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.make_error("type")
        if not self.minimum <= value <= self.maximum:
            self.reject(
                f"It must be a whole number from {self.minimum} to {self.maximum}.",
                f"须为 {self.minimum} 至 {self.maximum} 的整数。",
            )
        return value


class Boolean(Bilingual):
    """A JSON boolean."""

    json_schema: ClassVar[dict[str, Any]] = {"type": "boolean"}

    def expression(self, value: str, _: Namer) -> str:
        return f"{value} if type({value}) is bool else {UNREADABLE}"

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("type")
        return value


class Choice(Text):
    """One of several fixed values."""

    def __init__(self, *values: str, **options: Any) -> None:
        super().__init__(**options)
        self.values = values

    @property
    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.values)}

    def expression(self, value: str, name: Namer) -> str:
        loaded = name({each: self._loaded(each) for each in self.values})
        return f"{loaded}[{value}] if type({value}) is str and {value} in {loaded} else {UNREADABLE}"

    def _loaded(self, value: str) -> str:
        """What one of the values is loaded as."""
        return value

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, *args, **kwargs)
        if text not in self.values:
            listed = ", ".join(self.values)
            self.reject(f"It must be one of: {listed}.", f"须为其中之一：{listed}。")
        return text


class EnumMember(Choice):
    """A member of an enumeration, given by its value."""

    def __init__(self, enumeration: type[StrEnum], **options: Any) -> None:
        super().__init__(*enumeration, **options)
        self.enumeration = enumeration

    def _loaded(self, value: str) -> StrEnum:
        return self.enumeration(value)

    def _deserialize(self, *args: Any, **kwargs: Any) -> StrEnum:
        return self.enumeration(super()._deserialize(*args, **kwargs))


@lru_cache(maxsize=4_096)
def _day(text: str) -> date:
    """The day that `text` is. Raises Unreadable if it is none. Posts name the same few days again and again."""
    try:
        return Day()._deserialize(text)  # noqa: SLF001
    except ValidationError as error:
        raise Unreadable from error


class Account(Pattern):
    """A bank account number, posted in plain text. Only its last four digits and a keyed digest are stored.

    The secret in marshmallow's Context is the key of the digest.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(
            "[0-9A-Za-z]([ -]?[0-9A-Za-z]){4,33}",
            "It must be a bank account number of 5 to 34 digits or letters.",
            "须为 5 至 34 位数字或字母的银行账号。",
            **options,
        )

    def expression(self, value: str, name: Namer) -> str:
        return f"{name(self._deserialize)}({value}, None, None)"

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        number = super()._deserialize(value, *args, **kwargs).replace(" ", "").replace("-", "").upper()
        return bank_account(Context.get(), number)


def bank_account(secret: bytes, number: str) -> BankAccount:
    """The form in which an account number is stored: its last four digits and a digest.

    The digest is 128 bits of an HMAC whose key is `secret`. Two account numbers are compared by their digests. Without
    `secret`, nobody can guess a number from its digest.
    """
    digest = hmac.digest(secret, b"account:" + number.encode(), hashlib.sha256).hex()[:32]
    return BankAccount(number[-4:], digest)
