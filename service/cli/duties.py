"""Which duties the rules keep apart, and who holds both sides of one by the keys in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from domain.decision import POSTABLE, apart_from
from service.api.posting.event_schemas import SCHEMAS
from service.auth.api_keys import KeyRecord
from service.auth.grants import Grant
from service.look_alikes import alike

_PAIRS = {
    (SCHEMAS[first].scope, SCHEMAS[second].scope) for second, fact in POSTABLE.items() for first in apart_from(fact)
}
KEPT_APART = sorted(pair for pair in _PAIRS if pair[0] <= pair[1] or pair[::-1] not in _PAIRS)
"""The pairs of scopes with which two steps of one matter are posted that two people must take; each pair once."""
DUTIES = frozenset(scope for pair in KEPT_APART for scope in pair)


class BothSides(NamedTuple):
    """A person who may post with the scope `first` by one key, and with `second` by another or the same one.

    `person` is None if one key, which names nobody, has both scopes.
    """

    person: str | None
    first: str
    first_key: str
    second: str
    second_key: str


def both_sides(keys: Sequence[KeyRecord], funds: Mapping[str, frozenset[str]]) -> Iterator[BothSides]:
    """Each two scopes that the rules keep apart, and that one person holds in the same fund or project by `keys`.

    `funds` has the funds of each project that a key is limited to.
    """
    live = [key for key in keys if key.state == "in force"]
    for one, other in product(live, repeat=2):
        if _one_holder(one, other) and _meet(one.grant, other.grant, funds):
            for first, second in KEPT_APART:
                if first in one.grant.scopes and second in other.grant.scopes:
                    yield BothSides(one.person, first, one.name, second, other.name)


def without_person(keys: Iterable[KeyRecord]) -> list[str]:
    """The keys in force that name no person, although rules for two people may compare who uses them."""
    return [key.name for key in keys if key.state == "in force" and not key.person and DUTIES & key.grant.scopes]


def _one_holder(one: KeyRecord, other: KeyRecord) -> bool:
    return one is other or bool(one.person and other.person and alike(one.person, other.person))


def _meet(one: Grant, other: Grant, funds: Mapping[str, frozenset[str]]) -> bool:
    """Whether both grants hold in some fund or project."""
    return (
        not (one.limited and other.limited)
        or bool(one.projects & other.projects)
        or bool(one.funds & (other.funds | _funds_of(other, funds)))
        or bool(other.funds & _funds_of(one, funds))
    )


def _funds_of(each: Grant, funds: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The funds of the projects that the grant is limited to."""
    return frozenset().union(*(funds.get(project, ()) for project in each.projects))
