"""Schema of the waiver of a rule."""

from __future__ import annotations

from domain.project import waiver
from service.api.posting.event_schemas.event_schema import FactSchema, PayeeShape
from service.api.posting.fields import Amount, Name, RuleName, Text
from service.api.posting.shapes import One


class WaiverGranted(FactSchema):
    fact = waiver.WaiverGranted
    scope = "post:waiver"
    rule = RuleName(required=True)
    award = Name()
    application = Name()
    reason = Text(max_length=1_000, required=True)
    payee = One(PayeeShape)
    at_most = Amount()


SCHEMAS = (WaiverGranted,)
