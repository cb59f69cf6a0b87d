"""Schemas of the steps of a payment."""

from __future__ import annotations

from domain.project import payment
from service.api.posting.event_schemas.event_schema import ActualPayeeShape, FactSchema, OfOrigin, PayeeShape
from service.api.posting.fields import Amount, Boolean, Day, Integer, Name, Text
from service.api.posting.shapes import One


class PaymentSchema(FactSchema):
    scope = "post:payment"
    payment = Name(required=True)


class ApprovalSchema(PaymentSchema):
    scope = "approve:payment"


class PaymentRequested(PaymentSchema, OfOrigin):
    fact = payment.PaymentRequested
    award = Name(required=True)
    batch = Integer(1, 99, required=True)
    amount = Amount(required=True)
    payee = One(PayeeShape, required=True)


class PaymentApproved(ApprovalSchema):
    fact = payment.PaymentApproved
    level = Text(max_length=20, required=True)


class PaymentRejected(ApprovalSchema):
    fact = payment.PaymentRejected
    reason = Text(max_length=1_000, required=True)
    level = Text(max_length=20)


class PaymentCancelled(PaymentSchema):
    fact = payment.PaymentCancelled
    reason = Text(max_length=1_000, required=True)


class PaymentInstructed(PaymentSchema):
    fact = payment.PaymentInstructed


class PaymentConfirmed(PaymentSchema):
    fact = payment.PaymentConfirmed
    amount = Amount(required=True)
    payee = One(ActualPayeeShape, required=True)
    cleared_on = Day()


class PaymentFailed(PaymentSchema):
    fact = payment.PaymentFailed
    reason = Text(max_length=1_000, required=True)


class PaymentReturned(PaymentSchema):
    fact = payment.PaymentReturned
    amount = Amount(required=True)
    passive = Boolean(required=True)
    year = Integer(1949, 2199)
    reason = Text(max_length=1_000, required=True)


SCHEMAS = (
    PaymentRequested,
    PaymentApproved,
    PaymentRejected,
    PaymentCancelled,
    PaymentInstructed,
    PaymentConfirmed,
    PaymentFailed,
    PaymentReturned,
)
