"""The papers behind an event: 文号, vouchers, bank slips, minutes. An event cites them; the ledger never keeps them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from msgspec import Struct

from domain.normalise import normalized

_OFFICIAL = re.compile(
    r"(?P<issuer>.+)[〔\[(【{❲〖〈<《](?P<year>[0-9]{4})[〕\])】}❳〗〉>》]第?0*(?P<serial>[0-9]{1,12})号?"
)


@lru_cache(maxsize=10_000)
def normal(number: str) -> str:
    """What a document's number is known by, however it was typed; a 文号 with its year in 〔〕 and a bare serial."""
    typed = normalized(number)
    official = _OFFICIAL.fullmatch(typed)
    return "{issuer}〔{year}〕{serial}号".format(**official.groupdict()) if official else typed


class OfficialNumber(Struct, frozen=True):
    """A 文号 taken apart: the issuer's code 机关代字, the year, and the serial in it."""

    issuer: str
    year: int
    serial: int


def official(number: str) -> OfficialNumber | None:
    """The parts of a 文号; None if `number` is of another form."""
    found = _OFFICIAL.fullmatch(normalized(number))
    return OfficialNumber(found["issuer"], int(found["year"]), int(found["serial"])) if found else None


class Document(Struct, frozen=True, omit_defaults=True):
    """One citation. `sha256` is of the file itself, in hex; `year` and `item` tell vouchers of one number apart.

    What it lacks is left out of the log: hence `omit_defaults`.
    """

    kind: str
    number: str
    title: str | None = None
    issuer: str | None = None
    date: date | None = None
    sha256: str | None = None
    year: int | None = None
    item: int | None = None


class Claim(Struct, frozen=True, order=True):
    """A number that may stand in the ledger only once, such as a voucher or a bank reference.

    `number` is a normal form; of kinds whose numbers begin anew each year it is year/number/item.
    """

    kind: str
    number: str


BY_YEAR_AND_ITEM = frozenset({"支付凭证号", "冲销凭证号", "缴款书", "退回通知书"})
"""Kinds whose numbers begin anew each year and may have items; any other number is unique by itself."""


def claims(kinds: tuple[str, ...], documents: Iterable[Document], year: int, purpose: str = "") -> tuple[Claim, ...]:
    """The numbers among `documents` that an event claims for its purpose, however typed: those of the given kinds.

    A number without a year is of `year`; one without an item is its first.
    """
    if not kinds:
        return ()
    taken = [Claim(each.kind + purpose, _full_number(each, year)) for each in documents if each.kind in kinds]
    return tuple(dict.fromkeys(taken) if len(taken) > 1 else taken)


def _full_number(document: Document, year: int) -> str:
    if document.kind not in BY_YEAR_AND_ITEM:
        return normal(document.number)
    return f"{document.year or year}/{normal(document.number)}/{document.item or 1}"
