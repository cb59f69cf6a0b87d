"""Schemas of the opening and the closing of a project."""

from __future__ import annotations

from domain.project import lifecycle
from service.api.posting.event_schemas.event_schema import FactSchema
from service.api.posting.fields import Code


class ProjectOpened(FactSchema):
    fact = lifecycle.ProjectOpened
    scope = "post:fund"
    fund = Code(required=True)


class ProjectClosed(FactSchema):
    fact = lifecycle.ProjectClosed
    scope = "post:fund"


SCHEMAS = (ProjectOpened, ProjectClosed)
