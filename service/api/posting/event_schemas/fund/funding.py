"""Schemas of appropriation, allotment, reallocation, reinstatement and surrender."""

from __future__ import annotations

from domain.fund import funding
from domain.posting import POOL, RECOVERED
from service.api.posting.event_schemas.event_schema import OfOrigin
from service.api.posting.event_schemas.fund.lifecycle import FundSchema
from service.api.posting.fields import Amount, Choice, Code, Integer, Name, Text


class MoneySchema(FundSchema):
    amount = Amount(required=True)


class AppropriationReceived(MoneySchema):
    fact = funding.AppropriationReceived
    budget_year = Integer(1949, 2199, required=True)
    funding_source = Text(max_length=50)


class AllotmentSchema(MoneySchema, OfOrigin):
    project = Code(required=True)
    batch = Integer(1, 99, required=True)


class FundsAllotted(AllotmentSchema):
    fact = funding.FundsAllotted


class AllotmentWithdrawn(AllotmentSchema):
    fact = funding.AllotmentWithdrawn


class FundsReallocated(MoneySchema, OfOrigin):
    fact = funding.FundsReallocated
    from_project = Code(required=True)
    from_batch = Integer(1, 99, required=True)
    to_project = Code(required=True)
    to_batch = Integer(1, 99, required=True)


class FundsReinstated(AllotmentSchema):
    fact = funding.FundsReinstated
    award = Name(required=True)


class SurplusSurrendered(MoneySchema, OfOrigin):
    fact = funding.SurplusSurrendered
    account = Choice(POOL, RECOVERED, required=True)
    project = Code()
    award = Name()
    batch = Integer(1, 99)


SCHEMAS = (
    AppropriationReceived,
    FundsAllotted,
    AllotmentWithdrawn,
    FundsReallocated,
    FundsReinstated,
    SurplusSurrendered,
)
