"""Schemas of the review, the public notice, and objections to it."""

from __future__ import annotations

from domain.project import selection
from service.api.posting import fields
from service.api.posting.event_schemas.project.call import CallSchema
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


class ReviewConcluded(CallSchema):
    fact = selection.ReviewConcluded
    method = Text(required=True)
    scores = Rows(One(ScoreShape), max_items=10_000, required=True)


class NoticeStarted(CallSchema):
    fact = selection.NoticeStarted
    applications = Rows(One(ProposalShape), max_items=10_000, required=True)
    first_day = Day(required=True)
    last_day = Day(required=True)


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
