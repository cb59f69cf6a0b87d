"""Schemas of the events that change or end an award after the award decision."""

from __future__ import annotations

from domain.project import amendment
from service.api.posting.event_schemas.event_schema import FactSchema, OfOrigin, PayeeShape
from service.api.posting.fields import Amount, Boolean, Checkpoint, Day, Integer, Name, Party, Text
from service.api.posting.shapes import One


class AmendmentSchema(FactSchema):
    scope = "post:award"
    award = Name(required=True)


class AgreementSigned(AmendmentSchema):
    fact = amendment.AgreementSigned
    starts_on = Day(required=True)
    ends_on = Day(required=True)


class ExtensionGranted(AmendmentSchema):
    fact = amendment.ExtensionGranted
    ends_on = Day()
    due_on = Day()
    checkpoint = Checkpoint()


class AwardAmended(AmendmentSchema, OfOrigin):
    fact = amendment.AwardAmended
    batch = Integer(1, 99, required=True)
    increase = Boolean(required=True)
    amount = Amount(required=True)
    reason = Text(max_length=1_000, required=True)


class PayeeChanged(AmendmentSchema):
    fact = amendment.PayeeChanged
    old = One(PayeeShape, required=True)
    new = One(PayeeShape, required=True)
    approver = Party(max_length=100, required=True)


class EndingSchema(AmendmentSchema):
    reason = Text(max_length=1_000, required=True)


class AwardDeclined(EndingSchema):
    fact = amendment.AwardDeclined


class AwardRevoked(EndingSchema):
    fact = amendment.AwardRevoked


class AwardTerminated(EndingSchema):
    fact = amendment.AwardTerminated


SCHEMAS = (
    AgreementSigned,
    ExtensionGranted,
    AwardAmended,
    PayeeChanged,
    AwardDeclined,
    AwardRevoked,
    AwardTerminated,
)
