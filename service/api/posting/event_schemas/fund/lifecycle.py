"""Schemas of a fund's own life."""

from __future__ import annotations

from domain.fund import lifecycle
from domain.state.fund import NoticeOrder, Settings
from service.api.posting.event_schemas.event_schema import FactSchema
from service.api.posting.fields import Amount, Flag, Member, One, Period, Rows, Shape, Text, Whole


class SettingsShape(Shape):
    makes = Settings
    notice_working_days = Whole(0, 60, required=True)
    approvals = Rows(Text(most=20), most=5, least=0, required=True)
    acceptance_tries = Whole(1, 10, required=True)
    notice_order = Member(NoticeOrder)
    rectification_months = Whole(1, 60)
    quantum = Amount()
    years_to_spend = Whole(1, 10)
    period_close_days = Whole(0, 366)
    idle_days = Whole(1, 3_660)
    december_percent = Whole(1, 100)
    reconcile_before_close = Flag()


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


class YearCarriedForward(FundSchema):
    fact = lifecycle.YearCarriedForward
    appropriation = Whole(1, 2**53, required=True)
    year = Whole(1949, 2199, required=True)
    amount = Amount(required=True)


class PeriodClosed(FundSchema):
    fact = lifecycle.PeriodClosed
    period = Period(required=True)


class FundClosed(FundSchema):
    fact = lifecycle.FundClosed


SCHEMAS = (FundEstablished, SettingsChanged, YearCarriedForward, PeriodClosed, FundClosed)
