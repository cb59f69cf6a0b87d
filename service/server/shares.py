"""Each sender's share of the time: a sender that has used up its share waits until it has some again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

BURST_SECONDS = 0.5
"""How much unused time a sender can save up, unless it is said otherwise."""
ALONE_SECONDS = 1.0
"""A sender is alone if no other sender has sent a request for this time."""
MAX_TRACKED = 10_000


@dataclass(slots=True)
class _Account:
    balance: float
    at: float


class _LastRequests:
    """When the senders sent their last requests, as far as it must be known to tell whether one of them is alone."""

    def __init__(self) -> None:
        self._last, self._last_at = "", float("-inf")
        self._other_at = float("-inf")
        """When a sender other than `_last`, the sender of the last request, sent its last request."""

    def note(self, sender: str, at: float) -> None:
        if sender != self._last:
            self._last, self._other_at = sender, self._last_at
        self._last_at = at

    def of_others(self, sender: str) -> float:
        """When another sender sent its last request."""
        return self._other_at if sender == self._last else self._last_at


class Shares:
    """Gives each sender `per_second` seconds of work per second. What it does not use is kept, up to `burst` seconds.

    `together`: how many seconds per second all those together may use that have used something; None for no limit.

    While a sender is alone, its work is not counted. A sender that has used up its share waits only while there are
    others that have not. Not thread-safe: used in the event loop only.
    """

    def __init__(
        self,
        per_second: float,
        clock: Callable[[], float] = time.monotonic,
        burst: float = BURST_SECONDS,
        together: float | None = None,
    ) -> None:
        self._per_second, self._clock, self._burst = per_second, clock, burst
        self._accounts: dict[str, _Account] = {}
        self._together, self._of_all = together, _Account(burst, clock())
        self._requests, self._of_rested = _LastRequests(), _LastRequests()
        """The last requests of all senders, and of those that had time left when they sent them."""

    def note(self, sender: str) -> None:
        """Note that the sender has sent a request now."""
        self._requests.note(sender, self._clock())
        if self._has_time(sender):
            self._of_rested.note(sender, self._clock())

    def used_up(self, sender: str) -> bool:
        """Whether the sender must wait, because it has no time left, and others that have some are at work."""
        return not self._has_time(sender) and self._is_recent(self._of_rested.of_others(sender))

    def balance(self, sender: str) -> float:
        """The seconds of work that the sender may still use now; negative if it has used more than its share."""
        account = self._accounts.get(sender)
        return self._burst if account is None else self._grown(account, self._per_second)

    def charge(self, sender: str, seconds: float) -> None:
        """Count `seconds` of work that was done for the sender, unless the sender is alone."""
        if not self._is_recent(self._requests.of_others(sender)):
            return
        if len(self._accounts) >= MAX_TRACKED and sender not in self._accounts:
            self._forget_rested()
        self._accounts[sender] = _Account(self.balance(sender) - seconds, self._clock())
        self._of_all = _Account(self._balance_of_all() - seconds, self._clock())

    def wait_seconds(self, sender: str) -> float:
        """How long the sender must wait at most until it has time left or is alone."""
        of_all = -self._balance_of_all() / self._together if self._together else 0.0
        return min(max(0.0, -self.balance(sender) / self._per_second, of_all), ALONE_SECONDS)

    def _has_time(self, sender: str) -> bool:
        """Whether the sender has time left; if all together have none, only one that has used none has."""
        balance = self.balance(sender)
        return balance >= self._burst or (balance > 0 and self._balance_of_all() > 0)

    def _balance_of_all(self) -> float:
        return self._burst if self._together is None else self._grown(self._of_all, self._together)

    def _is_recent(self, at: float) -> bool:
        return self._clock() - at <= ALONE_SECONDS

    def _grown(self, account: _Account, per_second: float) -> float:
        return min(self._burst, account.balance + (self._clock() - account.at) * per_second)

    def _forget_rested(self) -> None:
        """Forget the senders whose balance is full again: a sender that is not tracked has a full balance."""
        self._accounts = {
            sender: account
            for sender, account in self._accounts.items()
            if self._grown(account, self._per_second) < self._burst
        }
