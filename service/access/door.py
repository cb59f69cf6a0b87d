"""The door: what an Authorization header opens, and how often it may knock."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock

from service.access import Principal, Refused
from service.access.keys import PREFIX, Keyring
from service.access.tokens import Issuer


class TooMany(Exception):
    """A principal has asked too often; it may ask again after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


MOST_COUNTED = 10_000
"""Principals whose requests are counted; then all begin anew."""


@dataclass(slots=True)
class _Knocks:
    """How many there were in this second of the clock, and in the one before."""

    second: int
    now: int = 0
    before: int = 0

    def counted(self, at: float, most: int) -> bool:
        """Whether one more at this time leaves no second, wherever it begins, with more than so many, on average."""
        second = int(at)
        if second > self.second:
            self.before = self.now if second == self.second + 1 else 0
            self.second, self.now = second, 0
        counts = self.now + self.before * (second + 1 - at) < most
        self.now += counts
        return counts


class Door:
    """Lets requests in. `rate`: how many a second for each principal, in each web process."""

    def __init__(self, keyring: Keyring, issuer: Issuer | None, rate: int) -> None:
        self._keyring, self._issuer = keyring, issuer
        self._rate, self._lock = rate, Lock()
        self._knocks: dict[str, _Knocks] = {}

    def remembers(self, authorization: str) -> bool:
        """Whether this header's key opened the door a moment ago: told at once, asking nobody."""
        scheme, _, bearer = authorization.partition(" ")
        return scheme.lower() == "bearer" and bearer.isascii() and self._keyring.remembers(bearer.strip())

    def principal(self, authorization: str) -> Principal:
        """Who sends this Authorization header. Raises Refused."""
        scheme, _, bearer = authorization.partition(" ")
        bearer = bearer.strip()
        if scheme.lower() != "bearer" or not bearer.isascii():
            raise Refused("no-key")
        if bearer.startswith(PREFIX):
            return self._keyring.principal(bearer)
        if self._issuer:
            return self._issuer.principal(bearer)
        raise Refused("no-key")

    def count(self, principal: Principal) -> None:
        """Count one request. Raises TooMany."""
        at = time.monotonic()
        with self._lock:
            if len(self._knocks) >= MOST_COUNTED and principal.name not in self._knocks:
                self._knocks.clear()
            knocks = self._knocks.setdefault(principal.name, _Knocks(int(at)))
            if not knocks.counted(at, self._rate):
                raise TooMany(1)
