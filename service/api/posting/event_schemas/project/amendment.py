"""Schemas of what becomes of an award after the decision."""

from __future__ import annotations

from domain.project import amendment
from service.api.posting.event_schemas.event_schema import FactSchema, PayeeShape
from service.api.posting.fields import Amount, Day, Flag, Name, One, Party, Text, Whole


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


class AwardAmended(AmendmentSchema):
    fact = amendment.AwardAmended
    batch = Whole(1, 99, required=True)
    increase = Flag(required=True)
    amount = Amount(required=True)
    reason = Text(most=1_000, required=True)


class PayeeChanged(AmendmentSchema):
    fact = amendment.PayeeChanged
    old = One(PayeeShape, required=True)
    new = One(PayeeShape, required=True)
    approver = Party(most=100, required=True)


class EndingSchema(AmendmentSchema):
    reason = Text(most=1_000, required=True)


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
