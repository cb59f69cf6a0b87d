"""Schemas of the recovery of paid money."""

from __future__ import annotations

from domain.project import recovery
from service.api.posting.event_schemas.event_schema import FactSchema, OfOrigin
from service.api.posting.fields import Amount, Day, Name, Text


class RecoverySchema(FactSchema):
    recovery = Name(required=True)
    amount = Amount(0, required=True)
    interest = Amount()


class RecoveryOrdered(RecoverySchema):
    fact = recovery.RecoveryOrdered
    scope = "post:award"
    amount = Amount(required=True)
    payment = Name(required=True)
    due_on = Day(required=True)
    reason = Text(max_length=1_000, required=True)


class RecoveryReceived(RecoverySchema, OfOrigin):
    fact = recovery.RecoveryReceived
    scope = "post:payment"


class RecoveryWaived(RecoverySchema):
    """The schema of RecoveryWaived.

    Its scope differs from that of RecoveryOrdered: an API key that orders a recovery must not be able to waive it.
    """

    fact = recovery.RecoveryWaived
    scope = "post:waiver"
    reason = Text(max_length=1_000, required=True)


class RecoveryExtended(FactSchema):
    fact = recovery.RecoveryExtended
    scope = "post:award"
    recovery = Name(required=True)
    due_on = Day(required=True)


SCHEMAS = (RecoveryOrdered, RecoveryReceived, RecoveryWaived, RecoveryExtended)
