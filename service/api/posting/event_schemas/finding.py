"""Schemas of findings and their settlement, on the streams of funds and projects."""

from __future__ import annotations

from domain import finding
from domain.event import Reference
from service.api.posting.event_schemas.event_schema import FactSchema
from service.api.posting.fields import Amount, Day, EnumMember, Integer, Name, Stream, Text
from service.api.posting.shapes import One, Rows, Shape


class EventShape(Shape):
    makes = Reference
    stream = Stream(required=True)
    version = Integer(1, 2**53, required=True)


class FindingSchema(FactSchema):
    scope = "post:finding"
    finding = Name(required=True)
    text = Text(max_length=2_000, required=True)


class FindingRecorded(FindingSchema):
    fact = finding.FindingRecorded
    kind = EnumMember(finding.FindingKind, required=True)
    authority = Text(max_length=100, required=True)
    events = Rows(One(EventShape), max_items=100, min_items=0, load_default=())
    amount = Amount()
    due_on = Day()


class FindingSettled(FindingSchema):
    fact = finding.FindingSettled
    how = EnumMember(finding.SettledBy, required=True)


SCHEMAS = (FindingRecorded, FindingSettled)
