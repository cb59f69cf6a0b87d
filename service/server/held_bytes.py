"""Counts the bytes that requests hold in memory, and limits them per sender and in total."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from service.server.declined import Declined

GUARANTEED_BYTES = 1024 * 1024


class HeldBytes:
    """Limits the bytes held at a time to `per_sender` and `in_total`. Up to `small` bytes are not counted."""

    def __init__(self, *, small: int, per_sender: int, in_total: int) -> None:
        self._small, self._per_sender, self._in_total = small, per_sender, in_total
        self._bytes: Counter[str] = Counter()

    @contextmanager
    def reserved(self, sender: str, length: int) -> Iterator[None]:
        """Context manager: reserves `length` bytes for the sender until the context ends.

        Raises Declined if the sender, or all together, would hold too many bytes. A sender that holds none may hold
        more than its limit, and GUARANTEED_BYTES whatever the others hold.
        """
        if length <= self._small:
            yield
            return
        if self._bytes[sender] and self._bytes[sender] + length > self._per_sender:
            raise Declined("too-much-at-once")
        is_guaranteed = length <= GUARANTEED_BYTES and not self._bytes[sender]
        if self._bytes.total() and self._bytes.total() + length > self._in_total and not is_guaranteed:
            raise Declined("overloaded")
        self._bytes[sender] += length
        try:
            yield
        finally:
            self._bytes[sender] -= length
            self._bytes += Counter()  # removes the zero entries
