"""EventPart: the base of everything that an event has inside, such as a cited document or a row of a list."""

from __future__ import annotations

from msgspec import Struct


class EventPart(Struct, frozen=True, forbid_unknown_fields=True):
    """A JSON object inside an event.

    It cannot be decoded if it has a member that its class does not have. A newer version of the program wrote such a
    member, and a state without it could be wrong.
    """
