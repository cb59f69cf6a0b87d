"""Schemas of the fund's events."""

from __future__ import annotations

from domain import fund
from service.api.facts.schema import FactSchema
from service.api.fields import Amount, Choice, Code, Flag, One, Rows, Shape, Text, Whole


class SettingsShape(Shape):
    makes = fund.Settings
    notice_working_days = Whole(0, 60, required=True)
    approvals = Rows(Text(most=20), most=5, required=True)
    acceptance_tries = Whole(1, 10, required=True)


class TaskShape(Shape):
    makes = fund.Task
    code = Text(most=20, required=True)
    name = Text(required=True)


class PlannedBatchShape(Shape):
    makes = fund.PlannedBatch
    batch = Whole(1, 99, required=True)
    name = Text(most=50, required=True)
    total = Amount(required=True)


class GateChoice(Choice):
    def __init__(self, **options: object) -> None:
        super().__init__(*fund.Gate, **options)

    def _deserialize(self, *args: object, **kwargs: object) -> fund.Gate:
        return fund.Gate(super()._deserialize(*args, **kwargs))


class LineBatchShape(Shape):
    makes = fund.LineBatch
    batch = Whole(1, 99, required=True)
    amount = Amount(required=True)
    gate = GateChoice(required=True)


class LineShape(Shape):
    makes = fund.Line
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


class FundSchema(FactSchema):
    scope = "post:fund"


class FundEstablished(FundSchema):
    fact = fund.FundEstablished
    name = Text(required=True)
    name_en = Text()
    settings = One(SettingsShape, required=True)


class AppropriationReceived(FundSchema):
    fact = fund.AppropriationReceived
    amount = Amount(required=True)
    budget_year = Whole(1949, 2199, required=True)


class PlanDrafted(FundSchema):
    fact = fund.PlanDrafted
    title = Text(required=True)
    total = Amount(required=True)
    tasks = Rows(One(TaskShape), required=True)
    batches = Rows(One(PlannedBatchShape), most=20, required=True)
    lines = Rows(One(LineShape), most=2_000, required=True)


class PlanAdopted(FundSchema):
    fact = fund.PlanAdopted
    draft = Whole(1, 2**53, required=True)


class FundsAllotted(FundSchema):
    fact = fund.FundsAllotted
    project = Code(required=True)
    batch = Whole(1, 99, required=True)
    amount = Amount(required=True)


class FundClosed(FundSchema):
    fact = fund.FundClosed


SCHEMAS = (FundEstablished, AppropriationReceived, PlanDrafted, PlanAdopted, FundsAllotted, FundClosed)
