"""The schema of every event that may be posted, one file per chapter of the domain, and the scope that it needs.

An event's schema lists its own fields; what every post carries is in `event_schema.FactSchema`.
"""

from __future__ import annotations

from service.api.posting.event_schemas import entry_reversed, fund, project
from service.api.posting.event_schemas.event_schema import FactSchema

CHAPTERS = (*fund.CHAPTERS, *project.CHAPTERS, entry_reversed)
SCHEMAS: dict[str, FactSchema] = {schema.fact.__name__: schema() for chapter in CHAPTERS for schema in chapter.SCHEMAS}
"""By event type."""
