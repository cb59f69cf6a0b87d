"""Schemas of a fund's events, one file per chapter of the domain."""

from service.api.posting.event_schemas.fund import funding, lifecycle, plan, reconciliation

CHAPTERS = (lifecycle, plan, funding, reconciliation)
