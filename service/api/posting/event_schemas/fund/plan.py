"""Schemas of the fund's plan."""

from __future__ import annotations

from domain.fund import plan
from domain.state.fund import Gate, Line, LineBatch, PlannedBatch, Task
from service.api.posting.event_schemas.fund.lifecycle import FundSchema
from service.api.posting.fields import Amount, Choice, Code, Flag, Member, One, Rows, Shape, Text, Whole


class TaskShape(Shape):
    makes = Task
    code = Text(most=20, required=True)
    name = Text(required=True)


class PlannedBatchShape(Shape):
    makes = PlannedBatch
    batch = Whole(1, 99, required=True)
    name = Text(most=50, required=True)
    total = Amount(required=True)


class LineBatchShape(Shape):
    makes = LineBatch
    batch = Whole(1, 99, required=True)
    amount = Amount(required=True)
    gate = Member(Gate, required=True)


class LineShape(Shape):
    makes = Line
    project = Code(required=True)
    number = Whole(1, 99_999, required=True)
    number_raw = Text(most=20)
    name = Text(required=True)
    name_annex = Text(required=True)
    name_en = Text()
    tasks = Rows(Text(most=20), required=True)
    award_rule = Choice("exact", "max", required=True)
    awards = Whole(1, 100_000, required=True)
    fixed_total = Flag(required=True)
    total = Amount(required=True)
    batches = Rows(One(LineBatchShape), most=20, required=True)


class PlanSchema(FundSchema):
    """The whole plan."""

    title = Text(required=True)
    total = Amount(required=True)
    tasks = Rows(One(TaskShape), required=True)
    batches = Rows(One(PlannedBatchShape), most=20, required=True)
    lines = Rows(One(LineShape), most=2_000, required=True)


class PlanDrafted(PlanSchema):
    fact = plan.PlanDrafted


class PlanAdopted(FundSchema):
    fact = plan.PlanAdopted
    draft = Whole(1, 2**53, required=True)


class PlanRevised(PlanSchema):
    fact = plan.PlanRevised


SCHEMAS = (PlanDrafted, PlanAdopted, PlanRevised)
