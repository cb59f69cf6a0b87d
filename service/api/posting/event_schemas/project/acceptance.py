"""Schemas of the acceptance of an award."""

from __future__ import annotations

from domain.project import acceptance
from service.api.posting.event_schemas.event_schema import FactSchema
from service.api.posting.fields import Amount, Checkpoint, Day, EnumMember, Name, Percent, Text
from service.api.posting.shapes import One, Rows, Shape


class ActualShape(Shape):
    makes = acceptance.Actual
    goal = Text(max_length=100, required=True)
    actual = Text(max_length=100, required=True)


class AcceptanceSchema(FactSchema):
    scope = "post:acceptance"
    award = Name(required=True)
    checkpoint = Checkpoint()


class AcceptanceRequested(AcceptanceSchema):
    fact = acceptance.AcceptanceRequested


class AcceptancePassed(AcceptanceSchema):
    fact = acceptance.AcceptancePassed
    conclusion = EnumMember(acceptance.Conclusion)
    score = Percent()
    settled = Amount()
    actuals = Rows(One(ActualShape), max_items=50)


class AcceptanceFailed(AcceptanceSchema):
    fact = acceptance.AcceptanceFailed
    reason = Text(max_length=1_000, required=True)


class RectificationOrdered(AcceptanceSchema):
    fact = acceptance.RectificationOrdered
    due_on = Day(required=True)


SCHEMAS = (AcceptanceRequested, AcceptancePassed, AcceptanceFailed, RectificationOrdered)
