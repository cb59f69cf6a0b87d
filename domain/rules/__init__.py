"""The business rules. Each rule is an exception class, raised if the ledger refuses an event.

The docstring is the English message and `zh` the Chinese one; the fields fill their placeholders. `remedy` and
`remedy_zh` say how to avoid the refusal, `source` where the rule comes from. `waivable` is what the rule can be waived
for: "award" or "application". There is one module per chapter of the rules.
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
"""All rules by name, in the order of the chapters."""

__all__ = ["RULES", "Refused"]
