"""Why the ledger says no. Each class is a rule: its docstring the message, `zh` the Chinese, its fields the numbers.

`remedy` and `remedy_zh` say what to do so that the refusal does not come again, `source` where the rule comes from;
`waivable` names what it may be waived for, an award or an application. One file for each chapter.
"""

from __future__ import annotations

from domain.rules import (
    acceptance,
    award,
    call,
    every_post,
    fund,
    payment,
    project,
    reconciliation,
    recovery,
    reversal,
    waiver,
)
from domain.rules.refused import Refused

RULES: dict[str, type[Refused]] = {
    name: rule
    for chapter in (
        every_post,
        fund,
        reconciliation,
        project,
        call,
        award,
        payment,
        acceptance,
        recovery,
        waiver,
        reversal,
    )
    for name, rule in vars(chapter).items()
    if isinstance(rule, type) and rule.__module__ == chapter.__name__
}
"""Every rule by its name, in the order of the chapters."""

__all__ = ["RULES", "Refused"]
