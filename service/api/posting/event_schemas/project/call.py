"""Schemas of a call for applications, and of the applications."""

from __future__ import annotations

from domain.project import call
from service.api.posting.event_schemas.event_schema import FactSchema, RecipientShape
from service.api.posting.fields import Amount, Boolean, Day, Integer, Name, Text
from service.api.posting.shapes import One


class ApplicantShape(RecipientShape):
    makes = call.Applicant


class CallSchema(FactSchema):
    scope = "post:call"


class RoundSchema(CallSchema):
    round = Integer(1, 999, required=True)


class CallPublished(RoundSchema):
    fact = call.CallPublished
    opens_on = Day(required=True)
    closes_on = Day(required=True)


class CallExtended(RoundSchema):
    fact = call.CallExtended
    closes_on = Day(required=True)


class CallClosed(RoundSchema):
    fact = call.CallClosed


class CallFailed(RoundSchema):
    fact = call.CallFailed
    reason = Text(max_length=1_000, required=True)


class ApplicationSchema(CallSchema):
    application = Name(required=True)


class ApplicationReceived(ApplicationSchema):
    fact = call.ApplicationReceived
    applicant = One(ApplicantShape, required=True)
    amount = Amount()
    title = Text()
    place = Text()
    starts_on = Day()
    ends_on = Day()


class ApplicationWithdrawn(ApplicationSchema):
    fact = call.ApplicationWithdrawn
    reason = Text(max_length=1_000, required=True)


class ApplicationScreened(ApplicationSchema):
    fact = call.ApplicationScreened
    passed = Boolean(required=True)
    reason = Text(max_length=1_000)


SCHEMAS = (
    CallPublished,
    CallExtended,
    CallClosed,
    CallFailed,
    ApplicationReceived,
    ApplicationWithdrawn,
    ApplicationScreened,
)
