"""Schemas of a project's two ends."""

from __future__ import annotations

from domain.project import opening
from service.api.facts.schema import FactSchema
from service.api.fields import Code


class ProjectOpened(FactSchema):
    fact = opening.ProjectOpened
    scope = "post:fund"
    fund = Code(required=True)


class ProjectClosed(FactSchema):
    fact = opening.ProjectClosed
    scope = "post:fund"


SCHEMAS = (ProjectOpened, ProjectClosed)
