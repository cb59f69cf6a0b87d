"""Schemas of the events of a fund, one module per module of domain/fund."""

from service.api.posting.event_schemas.fund import funding, interest, lifecycle, plan, reconciliation

CHAPTERS = (lifecycle, plan, funding, interest, reconciliation)
