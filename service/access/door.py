"""The door: what an Authorization header opens, and how often it may knock."""

from __future__ import annotations

import math
import time

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from service.access import Principal, Refused
from service.access.keys import PREFIX, Keyring
from service.access.tokens import Issuer


class TooMany(Exception):
    """A principal has asked too often; it may ask again after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Door:
    """Lets requests in. `rate`: how many a second for each principal, in each web process."""

    def __init__(self, keyring: Keyring, issuer: Issuer | None, rate: int) -> None:
        self._keyring, self._issuer = keyring, issuer
        self._rate = RateLimitItemPerSecond(rate)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

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
        if not self._limiter.hit(self._rate, principal.name):
            again = self._limiter.get_window_stats(self._rate, principal.name).reset_time
            raise TooMany(max(1, math.ceil(again - time.time())))
