"""Schemas of interest and its surrender."""

from __future__ import annotations

from domain.fund import interest
from service.api.posting.event_schemas.fund.funding import MoneySchema
from service.api.posting.fields import Day


class InterestReceived(MoneySchema):
    fact = interest.InterestReceived
    since = Day()
    until = Day()


class InterestSurrendered(MoneySchema):
    fact = interest.InterestSurrendered


SCHEMAS = (InterestReceived, InterestSurrendered)
