"""Schema of the change of a recipient's name or identity."""

from __future__ import annotations

from domain.project import rename
from service.api.posting.event_schemas.event_schema import FactSchema, RecipientShape
from service.api.posting.fields import Name
from service.api.posting.shapes import One


class RecipientRenamed(FactSchema):
    fact = rename.RecipientRenamed
    scope = "post:note"
    application = Name(required=True)
    old = One(RecipientShape, required=True)
    new = One(RecipientShape, required=True)


SCHEMAS = (RecipientRenamed,)
