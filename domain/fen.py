"""FenSet, a set of serials: the fen of an account or a move (DOMAIN.md, "Every fen has a serial number").

Money only moves, so arithmetic is strict: addition refuses overlapping sets, subtraction refuses missing fen.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from operator import itemgetter
from typing import final

Range = tuple[int, int]  # half-open: lo <= serial < hi

MAX_BOUND = 2**63 - 1  # the maximum of PostgreSQL's int8

_lo, _hi = itemgetter(0), itemgetter(1)
_RANGE = re.compile(r"\[([0-9]{1,19}),([0-9]{1,19})\)")


class FenOverlap(ValueError):
    """Two sets to be added have a fen in common, so their sum would count it twice."""


class FenMissing(ValueError):
    """A fen is to be subtracted from a set that does not contain it."""


@final
class FenSet:
    """An immutable set of serials, kept as sorted, disjoint, non-adjacent ranges; equal sets have equal ranges."""

    __slots__ = ("_ranges", "_total")

    def __init__(self) -> None:
        self._ranges: tuple[Range, ...] = ()
        self._total = 0

    @classmethod
    def _canonical(cls, ranges: tuple[Range, ...], total: int) -> FenSet:
        fens = cls()
        fens._ranges, fens._total = ranges, total
        return fens

    @classmethod
    def span(cls, lo: int, hi: int) -> FenSet:
        """The set of the serials from lo up to, not including, hi. Raises ValueError unless 0 <= lo <= hi."""
        return cls.of([(lo, hi)])

    @classmethod
    def of(cls, ranges: Iterable[Range]) -> FenSet:
        """The set of all serials in `ranges`, which may overlap and be in any order.

        Raises ValueError unless 0 <= lo <= hi in each range (lo, hi).
        """
        joined: list[Range] = []
        for lo, hi in sorted(ranges):
            if not 0 <= lo <= hi:
                raise ValueError(f"not a range of serials: [{lo},{hi})")
            if joined and lo <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(joined[-1][1], hi))
            elif lo < hi:
                joined.append((lo, hi))
        return cls._canonical(tuple(joined), sum(hi - lo for lo, hi in joined))

    @classmethod
    def parse(cls, text: str) -> FenSet:
        """The set that str() writes as `text`.

        Raises ValueError if str() would write the set differently, or if a bound of the set is above MAX_BOUND.
        """
        fens = cls.of((int(lo), int(hi)) for lo, hi in _RANGE.findall(text))
        if str(fens) != text or (fens and fens.ranges[-1][1] > MAX_BOUND):
            raise ValueError(f"not a canonical set of serials: {text!r}")
        return fens

    def __str__(self) -> str:
        """The set as PostgreSQL prints an int8multirange, such as `{[0,102000000)}`."""
        return "{" + ",".join([f"[{lo},{hi})" for lo, hi in self._ranges]) + "}"

    def __repr__(self) -> str:
        return f"FenSet.parse('{self}')"

    @property
    def ranges(self) -> tuple[Range, ...]:
        return self._ranges

    @property
    def total(self) -> int:
        """The number of fen in the set, which is its amount. This is not len(), because len() has an upper limit."""
        return self._total

    def __bool__(self) -> bool:
        return self._total > 0

    def __eq__(self, other: object) -> bool:
        return self._ranges == other._ranges if isinstance(other, FenSet) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._ranges)

    def __contains__(self, serial: int) -> bool:
        index = bisect_right(self._ranges, serial, key=_hi)
        return index < len(self._ranges) and self._ranges[index][0] <= serial

    def __ge__(self, other: FenSet) -> bool:
        return (self & other)._total == other._total

    def isdisjoint(self, other: FenSet) -> bool:
        return not self & other

    def take(self, n: int) -> FenSet:
        """The set of the n fen with the lowest serials. Raises ValueError unless 0 <= n <= total."""
        if not 0 <= n <= self._total:
            raise ValueError(f"cannot take {n} of {self._total} fen")
        left = n
        for index, (lo, hi) in enumerate(self._ranges):
            if left < hi - lo:
                part = ((lo, lo + left),) if left else ()
                return self._canonical(self._ranges[:index] + part, n)
            left -= hi - lo
        return self

    def __add__(self, other: FenSet) -> FenSet:
        """The union of both sets. Raises FenOverlap if the sets have a fen in common."""
        if not (self and other):
            return self or other
        first, last = self._touching_slice(other)
        joined: list[Range] = []
        end = -1
        for lo, hi in sorted(self._ranges[first:last] + other._ranges):  # two sorted runs: one linear merge
            if lo < end:
                raise FenOverlap(f"in both sets: {self & other}")
            if lo == end:
                joined[-1] = (joined[-1][0], hi)
            else:
                joined.append((lo, hi))
            end = hi
        ranges = (*self._ranges[:first], *joined, *self._ranges[last:])
        return self._canonical(ranges, self._total + other._total)

    def __sub__(self, other: FenSet) -> FenSet:
        """The set without the fen of `other`. Raises FenMissing if a fen of `other` is not in the set."""
        if not other:
            return self
        first, last = self._touching_slice(other)
        kept: list[Range] = []
        to_remove = [*reversed(other._ranges)]
        for start, hi in self._ranges[first:last]:
            lo = start
            while to_remove and lo <= to_remove[-1][0] and to_remove[-1][1] <= hi:
                gap_lo, gap_hi = to_remove.pop()
                if lo < gap_lo:
                    kept.append((lo, gap_lo))
                lo = gap_hi
            if lo < hi:
                kept.append((lo, hi))
        if to_remove:
            raise FenMissing(f"not in the set: {other - (self & other)}")
        ranges = (*self._ranges[:first], *kept, *self._ranges[last:])
        return self._canonical(ranges, self._total - other._total)

    def __and__(self, other: FenSet) -> FenSet:
        if not other:
            return other
        first, last = self._touching_slice(other)
        both = self._ranges[first:last] + other._ranges
        # No fen is in more than two of these ranges: with starts and ends sorted, overlap i is [starts[i+1], ends[i]).
        los, his = sorted(map(_lo, both))[1:], sorted(map(_hi, both))[:-1]
        shared = [(lo, hi) for lo, hi in zip(los, his, strict=True) if lo < hi]
        return self._canonical(tuple(shared), sum([hi - lo for lo, hi in shared]))

    def _touching_slice(self, other: FenSet) -> tuple[int, int]:
        """The part of `ranges` that overlaps or touches the interval from the first to the last serial of `other`.

        Returns (start, stop): the part is `ranges[start:stop]`. `other` must not be empty.
        """
        first = bisect_left(self._ranges, other._ranges[0][0], key=_hi)
        last = bisect_right(self._ranges, other._ranges[-1][1], key=_lo)
        return first, last
