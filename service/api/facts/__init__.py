"""The schema of every event that may be posted, one file for each chapter of the domain, and the scope it needs.

A fact's schema lists its own fields; what every post carries stands in FactSchema.
"""

from __future__ import annotations

from service.api.facts import (
    acceptance,
    amendment,
    award,
    call,
    life,
    money,
    opening,
    payment,
    plan,
    reconciliation,
    recovery,
    reversal,
    selection,
    waiver,
)
from service.api.facts.schema import FactSchema

CHAPTERS = (
    life,
    plan,
    money,
    reconciliation,
    opening,
    call,
    selection,
    award,
    amendment,
    payment,
    acceptance,
    recovery,
    waiver,
    reversal,
)
SCHEMAS: dict[str, FactSchema] = {schema.fact.__name__: schema() for chapter in CHAPTERS for schema in chapter.SCHEMAS}
"""By event type."""
