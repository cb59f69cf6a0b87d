"""Schemas from the call to the notice."""

from __future__ import annotations

from domain.project import call
from service.api import fields
from service.api.facts.schema import FactSchema
from service.api.fields import Amount, Day, Flag, Name, One, Party, Rows, Shape, Text, Uscc, Whole


class ApplicantShape(Shape):
    makes = call.Applicant
    name = Party(required=True)
    uscc = Uscc(required=True)


class ScoreShape(Shape):
    makes = call.Score
    application = Name(required=True)
    score = fields.Score(required=True)


class ProposalShape(Shape):
    makes = call.Proposal
    application = Name(required=True)
    amount = Amount(required=True)


class CallSchema(FactSchema):
    scope = "post:call"


class CallPublished(CallSchema):
    fact = call.CallPublished
    round = Whole(1, 999, required=True)
    opens_on = Day(required=True)
    closes_on = Day(required=True)


class CallClosed(CallSchema):
    fact = call.CallClosed
    round = Whole(1, 999, required=True)


class ApplicationReceived(CallSchema):
    fact = call.ApplicationReceived
    application = Name(required=True)
    applicant = One(ApplicantShape, required=True)


class ApplicationScreened(CallSchema):
    fact = call.ApplicationScreened
    application = Name(required=True)
    passed = Flag(required=True)
    reason = Text(most=1_000)


class ReviewConcluded(CallSchema):
    fact = call.ReviewConcluded
    method = Text(required=True)
    scores = Rows(One(ScoreShape), most=10_000, required=True)


class NoticeStarted(CallSchema):
    fact = call.NoticeStarted
    applications = Rows(One(ProposalShape), most=10_000, required=True)
    first_day = Day(required=True)
    last_day = Day(required=True)


class NoticeCompleted(CallSchema):
    fact = call.NoticeCompleted


SCHEMAS = (
    CallPublished,
    CallClosed,
    ApplicationReceived,
    ApplicationScreened,
    ReviewConcluded,
    NoticeStarted,
    NoticeCompleted,
)
