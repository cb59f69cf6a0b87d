"""Documents that events cite (文号, vouchers, bank slips, minutes). The ledger stores citations, never the files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from msgspec import Struct

from domain.event_part import EventPart
from domain.normalise import normalized

_OFFICIAL = re.compile(
    r"(?P<issuer>.+)[〔\[(【{❲〖〈<《](?P<year>[0-9]{4})[〕\])】}❳〗〉>》]第?0*(?P<serial>[0-9]{1,12})号?"
)


@lru_cache(maxsize=10_000)
def normal(number: str) -> str:
    """The form of a document number that is compared: equal for all spellings of the same number.

    An official number 文号 becomes `issuer〔year〕serial号`, with this kind of brackets, no 第 and no leading zeros.
    """
    typed = normalized(number)
    official = _OFFICIAL.fullmatch(typed)
    return "{issuer}〔{year}〕{serial}号".format(**official.groupdict()) if official else typed


class OfficialNumber(Struct, frozen=True):
    """The parts of an official number 文号: the issuer's code 机关代字, the year, and the number within that year.

    `serial` is the number within the year; it has nothing to do with the serials of fen.
    """

    issuer: str
    year: int
    serial: int


def official(number: str) -> OfficialNumber | None:
    """The parts of `number` if `number` is an official number 文号; None if `number` has another form."""
    match = _OFFICIAL.fullmatch(normalized(number))
    return OfficialNumber(match["issuer"], int(match["year"]), int(match["serial"])) if match else None


class Document(EventPart, frozen=True, omit_defaults=True):
    """The citation of one document. `sha256` is the hash of its file, in hex.

    `year` and `item` tell apart vouchers with equal numbers. `omit_defaults`: fields that are not set are omitted from
    the log.
    """

    kind: str
    number: str
    title: str | None = None
    issuer: str | None = None
    date: date | None = None
    sha256: str | None = None
    year: int | None = None
    item: int | None = None


class Claim(EventPart, frozen=True, order=True, omit_defaults=True):
    """A document number that a sender may use only once, such as a voucher number or a bank reference, or a code.

    A number belongs to the `source` of the event that cites the document: no other sender can use it up. It is as
    `normal()` returns it; for kinds in BY_YEAR_AND_ITEM it is `year/number/item`. A code (FUND_CODE, PROJECT_CODE)
    belongs to the whole ledger: its source is empty. In events that were recorded before 2026-12, `source` is empty for
    numbers too.
    """

    kind: str
    number: str
    source: str = ""


FUND_CODE, PROJECT_CODE = "fund", "project"
"""The kinds of the claims of codes. A fund has its own code and the codes of the projects that its plans name."""

BY_YEAR_AND_ITEM = frozenset({"支付凭证号", "冲销凭证号", "缴款书", "退回通知书"})
"""The document kinds whose numbers restart each year, and one of whose numbers may cover several numbered items.

A document of any other kind is identified by its number alone.
"""


def claims(
    kinds: tuple[str, ...], documents: Iterable[Document], year: int, source: str, purpose: str = ""
) -> tuple[Claim, ...]:
    """The claims of an event of `source` that cites `documents`: one for each document whose kind is in `kinds`.

    Documents with the same kind and number have one claim. `purpose` is appended to the kind of each claim, so that a
    number may be used once for each purpose. For kinds in BY_YEAR_AND_ITEM, a document without a year gets `year`, and
    a document without an item gets item 1.
    """
    if not kinds:
        return ()
    taken = [Claim(each.kind + purpose, _full_number(each, year), source) for each in documents if each.kind in kinds]
    return tuple(dict.fromkeys(taken) if len(taken) > 1 else taken)


def _full_number(document: Document, year: int) -> str:
    if document.kind not in BY_YEAR_AND_ITEM:
        return normal(document.number)
    return f"{document.year or year}/{normal(document.number)}/{document.item or 1}"
