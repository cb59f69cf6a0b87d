"""The schema and the required scope of every event type that may be posted. The modules are named as in the domain.

The schema of an event type lists only the fields of that type. `event_schema.FactSchema` has the fields that every
event type has.
"""

from __future__ import annotations

from service.api.posting.event_schemas import entry_reversed, finding, fund, note, project
from service.api.posting.event_schemas.event_schema import FactSchema

CHAPTERS = (*fund.CHAPTERS, *project.CHAPTERS, finding, note, entry_reversed)
SCHEMAS: dict[str, FactSchema] = {schema.fact.__name__: schema() for chapter in CHAPTERS for schema in chapter.SCHEMAS}
"""The schema of the `data` of each event type."""
