"""Documents that events cite (文号, vouchers, bank slips, minutes). The ledger stores citations, never the files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from domain.event_part import EventPart
from domain.normalise import normalized

_OFFICIAL = re.compile(
    r"(?P<issuer>.+)[〔\[(【{❲〖〈<《](?P<year>[0-9]{4})[〕\])】}❳〗〉>》]第?0*(?P<serial>[0-9]{1,12})号?"
)


@lru_cache(maxsize=10_000)
def normal(number: str) -> str:
    """The normal form of a document number: all spellings of the same number have the same normal form.

    An official number 文号 becomes `issuer〔year〕serial号`, with this kind of brackets, no 第 and no leading zeros.
    """
    typed = normalized(number)
    official = _OFFICIAL.fullmatch(typed)
    return "{issuer}〔{year}〕{serial}号".format(**official.groupdict()) if official else typed


class OfficialNumber(Struct, frozen=True):
    """The parts of an official number 文号: the issuer's code 机关代字, the year, and the number within that year.

    `serial` is the number within the year; it is not a serial of fen.
    """

    issuer: str
    year: int
    serial: int


def official(number: str) -> OfficialNumber | None:
    """The parts of `number` if `number` is an official number 文号; None if `number` has another form."""
    match = _OFFICIAL.fullmatch(normalized(number))
    return OfficialNumber(match["issuer"], int(match["year"]), int(match["serial"])) if match else None


class Document(EventPart, frozen=True, omit_defaults=True):
    """The citation of one document. `sha256` is the SHA-256 hash of its file, in hexadecimal.

    `year` and `item` distinguish vouchers with equal numbers. `omit_defaults`: the log omits fields that are not set.
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
    """The claim of a document number that a sender may use only once, such as a voucher number, or of a code.

    A number belongs to the `source` of the event that cites the document, so another sender may use the same number.
    `number` is in the form that `normal()` returns; for kinds in BY_YEAR_AND_ITEM it is `year/number/item`. A code
    (FUND_CODE, PROJECT_CODE) belongs to the whole ledger, so its `source` is empty. In events that were recorded before
    2026-12, `source` is empty for numbers too.

    The other fields distinguish documents with the same number; see `is_same`. They are empty if nothing distinguishes
    such documents, as in events of the first edition of the rules. `issuer`: the issuer that the citation states, as
    `normalized()` returns it. `own_bank`: the fund's bank, if the citation states no issuer. `day`: the date that the
    citation states. `event_day`: the day of the event, if the citation states no date. Both days are in ISO 8601.
    """

    kind: str
    number: str
    source: str = ""
    issuer: str = ""
    own_bank: str = ""
    day: str = ""
    event_day: str = ""

    @property
    def number_alone(self) -> Claim:
        """The claim without the fields that distinguish documents with the same number."""
        return Claim(self.kind, self.number, self.source)

    def is_same(self, other: Claim) -> bool:
        """Whether `other`, a claim of the same number, may be of the same document as this claim.

        It may be unless the issuers or the days show that the documents differ. If both citations state an issuer, the
        issuers are compared; if neither does, the funds' banks are compared, as far as they are known. If only one
        does, the issuer is not compared, because the other citation may omit it. The days are compared in the same way,
        except if only one citation states a date: this date must not be after the other's event. The SQL function
        `claims_are_same` returns the same.
        """
        return self._issuer_may_be(other) and self._day_may_be(other)

    def _issuer_may_be(self, other: Claim) -> bool:
        if self.issuer and other.issuer:
            return self.issuer == other.issuer
        if self.issuer or other.issuer:
            return True
        return not self.own_bank or not other.own_bank or self.own_bank == other.own_bank

    def _day_may_be(self, other: Claim) -> bool:
        if self.day and other.day:
            return self.day == other.day
        if self.day:
            return not other.event_day or self.day <= other.event_day
        if other.day:
            return not self.event_day or other.day <= self.event_day
        return not self.event_day or not other.event_day or self.event_day == other.event_day


FUND_CODE, PROJECT_CODE = "fund", "project"
"""The kinds of the claims of codes. A fund has its own code and the codes of the projects that its plans name."""

BY_YEAR_AND_ITEM = frozenset({"支付凭证号", "冲销凭证号", "缴款书", "退回通知书"})
"""The document kinds that are identified by year, number and item.

Their numbers restart each year, and one number may cover several numbered items. A document of any other kind is
identified by its number alone.
"""
BY_BANK_AND_DAY = frozenset({"流水号"})
"""The document kinds whose numbers each bank gives, and may give again on another day."""


class Citing(Struct, frozen=True):
    """What the claims of an event depend on besides its documents.

    `source`: the sender. `on`: the day of the event. `own_bank`: the fund's own bank, if it is known. `by_issuer`:
    whether issuer and day distinguish documents with the same number; false in the first edition of the rules.
    """

    source: str
    on: date
    own_bank: str | None = None
    by_issuer: bool = True


def claims(
    kinds: tuple[str, ...], documents: Iterable[Document], citing: Citing, purpose: str = ""
) -> tuple[Claim, ...]:
    """The claims of an event that cites `documents`: one for each document whose kind is in `kinds`.

    Equal citations have one claim. `purpose` is appended to the kind of each claim, so that a number may be used once
    for each purpose. For kinds in BY_YEAR_AND_ITEM, a document without a year gets the year of the event, and a
    document without an item gets item 1.
    """
    if not kinds:
        return ()
    taken = [_claim(each, citing, purpose) for each in documents if each.kind in kinds]
    return tuple(dict.fromkeys(taken) if len(taken) > 1 else taken)


def _claim(document: Document, citing: Citing, purpose: str) -> Claim:
    claim = Claim(document.kind + purpose, _full_number(document, citing.on.year), citing.source)
    if not citing.by_issuer:
        return claim
    issuer = normalized(document.issuer or "")
    if document.kind in BY_YEAR_AND_ITEM:
        return replace(claim, issuer=issuer)
    if document.kind not in BY_BANK_AND_DAY:
        return claim
    by = {"issuer": issuer} if issuer else {"own_bank": normalized(citing.own_bank or "")}
    day = {"day": document.date.isoformat()} if document.date else {"event_day": citing.on.isoformat()}
    return replace(claim, **by, **day)


def _full_number(document: Document, year: int) -> str:
    if document.kind not in BY_YEAR_AND_ITEM:
        return normal(document.number)
    return f"{document.year or year}/{normal(document.number)}/{document.item or 1}"
