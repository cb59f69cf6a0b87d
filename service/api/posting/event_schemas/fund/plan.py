"""Schemas of drafting, adopting and revising the plan of a fund."""

from __future__ import annotations

from domain.fund import plan
from domain.money import UNITS
from domain.state.fund import Goal, Level, Line, LineBatch, PlannedBatch, Selection, Share, Source, Support, Task
from service.api.posting.event_schemas.fund.lifecycle import FundSchema
from service.api.posting.fields import Amount, Boolean, Checkpoint, Choice, Code, EnumMember, Integer, Text
from service.api.posting.shapes import One, Rows, Shape


class SourceShape(Shape):
    makes = Source
    source = Text(max_length=50, required=True)
    name = Text(required=True)
    level = EnumMember(Level, required=True)
    amount = Amount(required=True)


class TaskShape(Shape):
    makes = Task
    code = Text(max_length=20, required=True)
    name = Text(required=True)


class PlannedBatchShape(Shape):
    makes = PlannedBatch
    batch = Integer(1, 99, required=True)
    name = Text(max_length=50, required=True)
    total = Amount(required=True)


class LineBatchShape(Shape):
    makes = LineBatch
    batch = Integer(1, 99, required=True)
    amount = Amount(required=True)
    gate = Checkpoint(required=True)


class GoalShape(Shape):
    makes = Goal
    name = Text(max_length=100, required=True)
    target = Text(max_length=100, required=True)
    unit = Text(max_length=20)


class LineShape(Shape):
    makes = Line
    project = Code(required=True)
    number = Integer(1, 99_999, required=True)
    number_raw = Text(max_length=20)
    name = Text(required=True)
    name_annex = Text(required=True)
    name_en = Text()
    tasks = Rows(Text(max_length=20), required=True)
    award_rule = Choice("exact", "max", required=True)
    awards = Integer(1, 100_000, required=True)
    fixed_total = Boolean(required=True)
    share = EnumMember(Share)
    checkpoints = Rows(Checkpoint(), max_items=20)
    objective = Text(max_length=2_000)
    support = EnumMember(Support)
    goals = Rows(One(GoalShape), max_items=50)
    selection = EnumMember(Selection)
    total = Amount(required=True)
    batches = Rows(One(LineBatchShape), max_items=20, required=True)


class HeadingsShape(Shape):
    makes = plan.Headings
    scheme = Text(max_length=20)
    tasks = Text(max_length=20)
    number = Text(max_length=20)
    name = Text(max_length=20)
    awards = Text(max_length=20)
    total = Text(max_length=20)
    sum = Text(max_length=20)


class AnnexShape(Shape):
    makes = plan.Annex
    label = Text(max_length=20)
    caption = Text(max_length=20)
    title = Text()
    unit = Choice(*UNITS)
    headings = One(HeadingsShape)


class PlanSchema(FundSchema):
    """The fields of events whose `data` is a complete plan."""

    title = Text(required=True)
    total = Amount(required=True)
    sources = Rows(One(SourceShape), max_items=50)
    tasks = Rows(One(TaskShape), required=True)
    batches = Rows(One(PlannedBatchShape), max_items=20, required=True)
    lines = Rows(One(LineShape), max_items=2_000, required=True)
    annex = One(AnnexShape)


class PlanDrafted(PlanSchema):
    fact = plan.PlanDrafted


class PlanAdopted(FundSchema):
    fact = plan.PlanAdopted
    draft = Integer(1, 2**53, required=True)


class PlanRevised(PlanSchema):
    fact = plan.PlanRevised


SCHEMAS = (PlanDrafted, PlanAdopted, PlanRevised)
