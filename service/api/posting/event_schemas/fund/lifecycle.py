"""Schemas of a fund's lifecycle: establishment, settings, carry-forward, period close and closing."""

from __future__ import annotations

from domain.fund import lifecycle
from domain.state.fund import NoticeOrder, Settings
from service.api.posting.event_schemas.event_schema import FactSchema
from service.api.posting.fields import Amount, Boolean, EnumMember, Integer, Party, Period, Text
from service.api.posting.shapes import One, Rows, Shape


class SettingsShape(Shape):
    makes = Settings
    notice_working_days = Integer(0, 60, required=True)
    approvals = Rows(Text(max_length=20), max_items=5, min_items=0, required=True)
    acceptance_tries = Integer(1, 10, required=True)
    notice_order = EnumMember(NoticeOrder)
    rectification_months = Integer(1, 60)
    quantum = Amount()
    years_to_spend = Integer(1, 10)
    period_close_days = Integer(0, 366)
    idle_days = Integer(1, 3_660)
    december_percent = Integer(1, 100)
    reconcile_before_close = Boolean()
    max_appropriation = Amount()
    max_total = Amount()
    notice_binds_amounts = Boolean()
    applications_per_recipient = Integer(1, 1_000)
    approvers_differ = Boolean()
    bank = Party(max_length=100)
    extension_months = Integer(0, 120)
    acceptance_months = Integer(0, 60)


class FundSchema(FactSchema):
    scope = "post:fund"


class FundEstablished(FundSchema):
    fact = lifecycle.FundEstablished
    name = Text(required=True)
    name_en = Text()
    settings = One(SettingsShape, required=True)


class SettingsChanged(FundSchema):
    fact = lifecycle.SettingsChanged
    settings = One(SettingsShape, required=True)


class FundRenamed(FundSchema):
    fact = lifecycle.FundRenamed
    name = Text(required=True)
    name_en = Text()


class YearCarriedForward(FundSchema):
    fact = lifecycle.YearCarriedForward
    appropriation = Integer(1, 2**53, required=True)
    year = Integer(1949, 2199, required=True)
    amount = Amount(required=True)


class PeriodClosed(FundSchema):
    fact = lifecycle.PeriodClosed
    period = Period(required=True)


class FundClosed(FundSchema):
    fact = lifecycle.FundClosed


SCHEMAS = (FundEstablished, SettingsChanged, FundRenamed, YearCarriedForward, PeriodClosed, FundClosed)
