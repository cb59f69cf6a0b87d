"""The set of serials: which fen an account holds, or a move carries (DOMAIN.md, "Every fen has a serial number").

Money never changes, it only moves, so arithmetic is strict: a sum never doubles a fen, a difference never owes one.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from operator import itemgetter
from typing import final

Range = tuple[int, int]  # half-open: lo <= serial < hi

MAX_BOUND = 2**63 - 1  # of PostgreSQL's int8

_lo, _hi = itemgetter(0), itemgetter(1)
_RANGE = re.compile(r"\[([0-9]{1,19}),([0-9]{1,19})\)")


class FenOverlap(ValueError):
    """The two sets share a fen; money never doubles."""


class FenMissing(ValueError):
    """The set lacks a fen that is to leave it."""


@final
class FenSet:
    """An immutable set of serials: sorted, disjoint, non-adjacent ranges, so equal sets have equal ranges."""

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
        """The fen from lo up to, not including, hi; ValueError unless 0 <= lo <= hi."""
        return cls.of([(lo, hi)])

    @classmethod
    def of(cls, ranges: Iterable[Range]) -> FenSet:
        """The union of any ranges, in any order; ValueError unless 0 <= lo <= hi in each."""
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
        """Read what str() writes; ValueError for any other spelling, even of the same set."""
        fens = cls.of((int(lo), int(hi)) for lo, hi in _RANGE.findall(text))
        if str(fens) != text or (fens and fens.ranges[-1][1] > MAX_BOUND):
            raise ValueError(f"not a canonical set of serials: {text!r}")
        return fens

    def __str__(self) -> str:
        """As PostgreSQL prints an int8multirange."""
        return "{" + ",".join([f"[{lo},{hi})" for lo, hi in self._ranges]) + "}"

    def __repr__(self) -> str:
        return f"FenSet.parse('{self}')"

    @property
    def ranges(self) -> tuple[Range, ...]:
        return self._ranges

    @property
    def total(self) -> int:
        """How many fen, that is, the amount; not len(), which stops at sys.maxsize."""
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
        """The n lowest fen; ValueError unless 0 <= n <= total."""
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
        """Both sets together; FenOverlap if they share a fen."""
        if not (self and other):
            return self or other
        first, last = self._reach(other)
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
        """What stays when other leaves; FenMissing unless all of it is here."""
        if not other:
            return self
        first, last = self._reach(other)
        staying: list[Range] = []
        leaving = [*reversed(other._ranges)]
        for start, hi in self._ranges[first:last]:
            lo = start
            while leaving and lo <= leaving[-1][0] and leaving[-1][1] <= hi:
                gap_lo, gap_hi = leaving.pop()
                if lo < gap_lo:
                    staying.append((lo, gap_lo))
                lo = gap_hi
            if lo < hi:
                staying.append((lo, hi))
        if leaving:
            raise FenMissing(f"not in the set: {other - (self & other)}")
        ranges = (*self._ranges[:first], *staying, *self._ranges[last:])
        return self._canonical(ranges, self._total - other._total)

    def __and__(self, other: FenSet) -> FenSet:
        if not other:
            return other
        first, last = self._reach(other)
        both = self._ranges[first:last] + other._ranges
        # A fen is in two ranges at most, so what they share runs from each next start to the end before it.
        los, his = sorted(map(_lo, both))[1:], sorted(map(_hi, both))[:-1]
        shared = [(lo, hi) for lo, hi in zip(los, his, strict=True) if lo < hi]
        return self._canonical(tuple(shared), sum([hi - lo for lo, hi in shared]))

    def _reach(self, other: FenSet) -> tuple[int, int]:
        """The slice of the ranges that overlap or touch other, which is not empty; those outside stay as they are."""
        first = bisect_left(self._ranges, other._ranges[0][0], key=_hi)
        last = bisect_right(self._ranges, other._ranges[-1][1], key=_lo)
        return first, last
