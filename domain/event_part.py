"""EventPart: the base of everything that an event has inside, such as a cited document or a row of a list."""

from __future__ import annotations

from msgspec import Struct


class EventPart(Struct, frozen=True, forbid_unknown_fields=True):
    """A JSON object inside an event.

    Decoding fails if the object has a member that its class does not have. Such a member was written by a newer version
    of the program, and a state calculated without it could be wrong.
    """
