"""Schema of a statement's reconciliation."""

from __future__ import annotations

from domain.fund import reconciliation
from domain.fund.reconciliation import CashEntry, Difference, Direction, Exceptional, Match, StatementLine
from service.api.posting.event_schemas.event_schema import FactSchema
from service.api.posting.fields import Amount, Day, Member, One, Party, Rows, Sha256, Shape, Stream, Text, Whole
from service.statements.statement import MAX_LINES

MAX_ENTRIES = 20_000
"""Entries of the books that one event can name; a body ends at 8 MiB before."""


class LineShape(Shape):
    makes = StatementLine
    number = Whole(1, MAX_LINES, required=True)
    on = Day(required=True)
    direction = Member(Direction, required=True)
    amount = Amount(required=True)
    payee = Party()
    reference = Text(most=100)
    voucher = Text(most=100)


class EntryShape(Shape):
    makes = CashEntry
    stream = Stream(required=True)
    version = Whole(1, 2**53, required=True)
    amount = Amount(required=True)


class MatchShape(Shape):
    makes = Match
    lines = Rows(Whole(1, MAX_LINES), most=MAX_LINES, required=True)
    entries = Rows(One(EntryShape), most=MAX_ENTRIES, required=True)
    reasons = Rows(Text(most=20), most=10, required=True)
    confidence = Whole(0, 100, required=True)


class ExceptionShape(Shape):
    makes = Exceptional
    kind = Member(Difference, required=True)
    lines = Rows(One(LineShape), most=MAX_LINES, least=0)
    entries = Rows(One(EntryShape), most=MAX_ENTRIES, least=0)
    explanation = Text(most=1_000)


class StatementReconciled(FactSchema):
    fact = reconciliation.StatementReconciled
    scope = "post:fund"
    file_sha256 = Sha256(required=True)
    first_day = Day(required=True)
    last_day = Day(required=True)
    position = Whole(0, 2**53, required=True)
    lines = Whole(0, MAX_LINES, required=True)
    received = Amount(least=0, required=True)
    paid_out = Amount(least=0, required=True)
    matches = Rows(One(MatchShape), most=MAX_LINES, least=0)
    exceptions = Rows(One(ExceptionShape), most=MAX_LINES + MAX_ENTRIES, least=0)


SCHEMAS = (StatementReconciled,)
