"""The form of a fault, and how the modules with the faults register theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.faults.site import Site

Inflict = Callable[[Site, Random, float], None]


@dataclass(frozen=True)
class Fault:
    """A fault. `inflict` makes the site suffer it, for about the given seconds, and returns when it is over.

    `missing`: what this machine lacks to try it; "" if nothing. `loses`: the log loses acknowledged events.
    """

    name: str
    inflict: Inflict
    missing: str
    loses: bool


FAULTS: dict[str, Fault] = {}


def fault(name: str, *, missing: str = "", loses: bool = False) -> Callable[[Inflict], Inflict]:
    """Register a function as the fault of this name."""

    def register(inflict: Inflict) -> Inflict:
        FAULTS[name] = Fault(name, inflict, missing, loses)
        return inflict

    return register
