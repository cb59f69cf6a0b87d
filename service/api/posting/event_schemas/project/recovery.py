"""Schemas of the recovery of money that was paid."""

from __future__ import annotations

from domain.project import recovery
from service.api.posting.event_schemas.event_schema import FactSchema
from service.api.posting.fields import Amount, Day, Name, Text


class RecoverySchema(FactSchema):
    recovery = Name(required=True)
    amount = Amount(required=True)


class RecoveryOrdered(RecoverySchema):
    fact = recovery.RecoveryOrdered
    scope = "post:award"
    payment = Name(required=True)
    due_on = Day(required=True)
    reason = Text(most=1_000, required=True)


class RecoveryReceived(RecoverySchema):
    fact = recovery.RecoveryReceived
    scope = "post:payment"


class RecoveryWaived(RecoverySchema):
    """Under another scope than the order: who orders money back may not let it go."""

    fact = recovery.RecoveryWaived
    scope = "post:waiver"
    reason = Text(most=1_000, required=True)


SCHEMAS = (RecoveryOrdered, RecoveryReceived, RecoveryWaived)
