"""Schemas of the review, the public notice, and objections to it."""

from __future__ import annotations

from domain.project import selection
from service.api.posting import fields
from service.api.posting.event_schemas.project.call import ApplicantShape, CallSchema
from service.api.posting.fields import Amount, Boolean, Day, Name, Text
from service.api.posting.shapes import One, Rows, Shape


class ScoreShape(Shape):
    makes = selection.Score
    application = Name(required=True)
    score = fields.Score(required=True)


class ProposalShape(Shape):
    makes = selection.Proposal
    application = Name(required=True)
    amount = Amount(required=True)


class EntryShape(Shape):
    makes = selection.Entry
    application = Name(required=True)
    recipient = One(ApplicantShape, required=True)
    rewarded_for = Text(required=True)
    amount = Amount(required=True)
    grounds = Text(required=True)


class ReviewConcluded(CallSchema):
    fact = selection.ReviewConcluded
    method = Text(required=True)
    scores = Rows(One(ScoreShape), max_items=10_000, required=True)


class NoticeStarted(CallSchema):
    fact = selection.NoticeStarted
    first_day = Day(required=True)
    last_day = Day(required=True)
    applications = Rows(One(ProposalShape), max_items=10_000, load_default=(), allow_none=False)
    entries = Rows(One(EntryShape), max_items=10_000)


class NoticeCompleted(CallSchema):
    fact = selection.NoticeCompleted


class ObjectionSchema(CallSchema):
    objection = Name(required=True)
    reason = Text(max_length=1_000, required=True)


class ObjectionReceived(ObjectionSchema):
    fact = selection.ObjectionReceived
    application = Name()


class ObjectionResolved(ObjectionSchema):
    fact = selection.ObjectionResolved
    upheld = Boolean(required=True)


SCHEMAS = (ReviewConcluded, NoticeStarted, NoticeCompleted, ObjectionReceived, ObjectionResolved)
