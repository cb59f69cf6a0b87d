"""Schemas of a project's events, one file per chapter of the domain."""

from service.api.posting.event_schemas.project import (
    acceptance,
    amendment,
    award,
    call,
    lifecycle,
    payment,
    recovery,
    selection,
    waiver,
)

CHAPTERS = (lifecycle, call, selection, award, amendment, payment, acceptance, recovery, waiver)
