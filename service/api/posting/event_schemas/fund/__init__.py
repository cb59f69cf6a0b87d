"""Schemas of the events of a fund, one module per module of domain/fund."""

from service.api.posting.event_schemas.fund import funding, lifecycle, plan, reconciliation

CHAPTERS = (lifecycle, plan, funding, reconciliation)
