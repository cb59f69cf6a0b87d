"""Schemas of the events of a project, one module per module of domain/project."""

from service.api.posting.event_schemas.project import (
    acceptance,
    amendment,
    award,
    call,
    hold,
    lifecycle,
    payment,
    recovery,
    rename,
    selection,
    unordered,
    waiver,
)

CHAPTERS = (
    lifecycle,
    call,
    selection,
    award,
    amendment,
    payment,
    acceptance,
    recovery,
    waiver,
    rename,
    hold,
    unordered,
)
