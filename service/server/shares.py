"""Each sender's share of the time: a sender that has used up its share waits until it has some again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

BURST_SECONDS = 0.5
"""How much unused time a sender can save up."""
ALONE_SECONDS = 1.0
"""A sender is alone if no other sender has sent a request for this time."""
MAX_TRACKED = 10_000


@dataclass(slots=True)
class _Account:
    balance: float
    at: float


class Shares:
    """Gives each sender `per_second` seconds of work in each second. What it does not use is kept, up to BURST_SECONDS.

    While a sender is alone, its work is not counted. Not thread-safe: used in the event loop only.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._clock = per_second, clock
        self._accounts: dict[str, _Account] = {}
        self._last, self._last_at = "", float("-inf")
        self._other_at = float("-inf")
        """When a sender other than `_last`, the sender of the last request, sent its last request."""

    def note(self, sender: str) -> None:
        """Note that the sender has sent a request now."""
        if sender != self._last:
            self._last, self._other_at = sender, self._last_at
        self._last_at = self._clock()

    def used_up(self, sender: str) -> bool:
        """Whether the sender must wait, because it has no time left and is not alone."""
        return self.balance(sender) <= 0 and not self._is_alone(sender)

    def balance(self, sender: str) -> float:
        """The seconds of work that the sender may still use now; negative if it has used more than its share."""
        account = self._accounts.get(sender)
        return BURST_SECONDS if account is None else self._grown(account)

    def charge(self, sender: str, seconds: float) -> None:
        """Count `seconds` of work that was done for the sender, unless the sender is alone."""
        if self._is_alone(sender):
            return
        if len(self._accounts) >= MAX_TRACKED and sender not in self._accounts:
            self._forget_rested()
        self._accounts[sender] = _Account(self.balance(sender) - seconds, self._clock())

    def wait_seconds(self, sender: str) -> float:
        """How long the sender must wait at most until it has time left or is alone."""
        return min(max(0.0, -self.balance(sender) / self._per_second), ALONE_SECONDS)

    def _is_alone(self, sender: str) -> bool:
        other_at = self._other_at if sender == self._last else self._last_at
        return self._clock() - other_at > ALONE_SECONDS

    def _grown(self, account: _Account) -> float:
        return min(BURST_SECONDS, account.balance + (self._clock() - account.at) * self._per_second)

    def _forget_rested(self) -> None:
        """Forget the senders whose balance is full again: a sender that is not tracked has a full balance."""
        self._accounts = {
            sender: account for sender, account in self._accounts.items() if self._grown(account) < BURST_SECONDS
        }
