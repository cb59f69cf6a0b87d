"""The schema of every event that may be posted, one file for each chapter of the domain, and the scope it needs.

A fact's schema lists its own fields; what every post carries stands in FactSchema.
"""

from __future__ import annotations

from service.api.facts import acceptance, award, call, fund, opening, payment
from service.api.facts.schema import FactSchema

SCHEMAS: dict[str, FactSchema] = {
    schema.fact.__name__: schema()
    for chapter in (fund, opening, call, award, payment, acceptance)
    for schema in chapter.SCHEMAS
}
"""By event type."""
