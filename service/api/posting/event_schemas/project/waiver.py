"""Schema of the waiver of a rule."""

from __future__ import annotations

from domain.project import waiver
from service.api.posting.event_schemas.event_schema import FactSchema
from service.api.posting.fields import Name, RuleName, Text


class WaiverGranted(FactSchema):
    fact = waiver.WaiverGranted
    scope = "post:waiver"
    rule = RuleName(required=True)
    award = Name()
    application = Name()
    reason = Text(max_length=1_000, required=True)


SCHEMAS = (WaiverGranted,)
