"""Which fen a post takes from an account: any, or only those of a source 资金来源 or of an appropriation 指标.

An event that takes money may have the fields `funding_source` (the code of a source in the plan) and `appropriation`
(the version of its AppropriationReceived event). If both are given, only fen that belong to both are taken; if neither
is given, any fen.
"""

from __future__ import annotations

from typing import Any

from domain.fen import FenSet
from domain.money import Money
from domain.posting import Origin
from domain.rules.fund import OriginTooSmall, UnknownAppropriation, UnknownSource
from domain.state.fund import UNNAMED, Fund

OF_ORIGIN = (UnknownSource, UnknownAppropriation, OriginTooSmall)
"""The rules that may refuse each event that can name a source or an appropriation."""


def of_origin(fund: Fund, fact: Any) -> Origin | None:
    """The fen that `fact` may take, with their name; None if it names neither a source nor an appropriation.

    `fact` has the fields `funding_source` and `appropriation`. Raises UnknownSource, UnknownAppropriation.
    """
    named = []
    if fact.funding_source is not None:
        named.append(Origin(f"source {fact.funding_source}", of_source(fund, fact.funding_source)))
    if fact.appropriation is not None:
        if fact.appropriation not in fund.appropriations:
            raise UnknownAppropriation(appropriation=fact.appropriation)
        fen = fund.appropriations[fact.appropriation].fen
        named.append(Origin(f"appropriation {fact.appropriation}", fen))
    if len(named) == 2:
        one, other = named
        return Origin(f"{one.name}, {other.name}", one.fen & other.fen)
    return named[0] if named else None


def of_source(fund: Fund, source: str) -> FenSet:
    """All fen that came from `source`. Raises UnknownSource if neither the plan nor an appropriation names it."""
    fen = fund.issued.get(source, FenSet())
    if fund.sources and source == fund.sources[0].source:
        return fen + fund.issued.get(UNNAMED, FenSet())
    if source not in fund.issued and all(source != each.source for each in fund.sources):
        raise UnknownSource(named=source)
    return fen


def received_from(fund: Fund, source: str) -> Money:
    """What came from `source`, without what was reversed. The time is linear in the entries reversed."""
    fen = of_source(fund, source)
    reversed_ = (each for version, each in fund.reversed.items() if version in fund.appropriations)
    return Money(fen.total - sum((fen & each).total for each in reversed_))
