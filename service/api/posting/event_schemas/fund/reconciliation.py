"""Schema of the reconciliation of a bank or treasury statement."""

from __future__ import annotations

from domain.fund import reconciliation
from domain.fund.reconciliation import (
    CashEntry,
    Difference,
    Direction,
    Exceptional,
    Match,
    OtherLines,
    StatementLine,
)
from service.api.posting.event_schemas.event_schema import FactSchema
from service.api.posting.fields import Amount, Day, EnumMember, Integer, Party, Sha256, Stream, Text
from service.api.posting.shapes import One, Rows, Shape
from service.statements.statement import MAX_LINES

MAX_ENTRIES = 20_000
"""Maximum number of ledger entries in one list. An event can have several such lists; its body is limited to 8 MiB."""


class LineShape(Shape):
    makes = StatementLine
    number = Integer(1, MAX_LINES, required=True)
    on = Day(required=True)
    direction = EnumMember(Direction, required=True)
    amount = Amount(required=True)
    payee = Party()
    reference = Text(max_length=100)
    voucher = Text(max_length=100)


class EntryShape(Shape):
    makes = CashEntry
    stream = Stream(required=True)
    version = Integer(1, 2**53, required=True)
    amount = Amount(required=True)


class MatchShape(Shape):
    makes = Match
    lines = Rows(Integer(1, MAX_LINES), max_items=MAX_LINES, required=True)
    entries = Rows(One(EntryShape), max_items=MAX_ENTRIES, required=True)
    reasons = Rows(Text(max_length=20), max_items=10, required=True)
    confidence = Integer(0, 100, required=True)


class ExceptionShape(Shape):
    makes = Exceptional
    kind = EnumMember(Difference, required=True)
    lines = Rows(One(LineShape), max_items=MAX_LINES, min_items=0)
    entries = Rows(One(EntryShape), max_items=MAX_ENTRIES, min_items=0)
    explanation = Text(max_length=1_000)
    says = Text(max_length=500)


class OthersShape(Shape):
    makes = OtherLines
    lines = Integer(0, MAX_LINES, required=True)
    received = Amount(minimum=0, required=True)
    paid_out = Amount(minimum=0, required=True)


class StatementReconciled(FactSchema):
    fact = reconciliation.StatementReconciled
    scope = "post:fund"
    file_sha256 = Sha256(required=True)
    first_day = Day(required=True)
    last_day = Day(required=True)
    position = Integer(0, 2**53, required=True)
    lines = Integer(0, MAX_LINES, required=True)
    received = Amount(minimum=0, required=True)
    paid_out = Amount(minimum=0, required=True)
    matches = Rows(One(MatchShape), max_items=MAX_LINES, min_items=0)
    exceptions = Rows(One(ExceptionShape), max_items=MAX_LINES + MAX_ENTRIES, min_items=0)
    others = One(OthersShape)


SCHEMAS = (StatementReconciled,)
