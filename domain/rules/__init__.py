"""The business rules. Each rule is an exception class, which the ledger raises to refuse an event.

The class's docstring is the English message, and `zh` is the Chinese message. The values of the class's fields fill the
placeholders of both messages. `remedy` and `remedy_zh` say how to avoid the refusal. `source` says where the rule comes
from. `waivable` says for what the rule can be waived: "award" or "application"; None if the rule cannot be waived.
`improper` is true for a rule that states a duty by law, plan or setting: an event that broke this duty can still be
recorded, as irregular. It is false for a rule about what is impossible, by arithmetic, identity or the order of the
log. Each module contains one chapter of the rules.
"""

from __future__ import annotations

from domain.rules import (
    acceptance,
    award,
    call,
    every_post,
    finding,
    fund,
    hold,
    interest,
    payment,
    project,
    reconciliation,
    recovery,
    rename,
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
        interest,
        hold,
        finding,
        waiver,
        rename,
        reversal,
    )
    for name, rule in vars(chapter).items()
    if isinstance(rule, type) and rule.__module__ == chapter.__name__
}
"""All rules by name, in the order of the modules."""

__all__ = ["RULES", "Refused"]
