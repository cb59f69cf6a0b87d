"""The base schema of an event's `data`: the fields that all event types have, and shapes that several of them share."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from marshmallow import ValidationError

from domain.documents import Document
from domain.event import Fact, FoundBy, Irregularity
from domain.recipient import ID_CARD, REGISTRATION, USCC, Recipient, Registration
from domain.state.entities import ActualPayee, Payee
from service.api.posting.fields import (
    Account,
    CodeOnSlip,
    Country,
    Day,
    EnumMember,
    IdCard,
    Integer,
    Party,
    Register,
    RegistrationNumber,
    RuleName,
    Sha256,
    Text,
    Uscc,
)
from service.api.posting.shapes import One, QuickSchema, Rows, Shape


class DocumentShape(Shape):
    makes = Document
    kind = Text(max_length=20, required=True)
    number = Text(max_length=100, required=True)
    title = Text()
    issuer = Text(max_length=100)
    date = Day()
    sha256 = Sha256()
    year = Integer(1949, 2199)
    item = Integer(1, 999_999)


class IrregularityShape(Shape):
    makes = Irregularity
    rule = RuleName(required=True)
    found_by = EnumMember(FoundBy, required=True)
    basis = One(DocumentShape, required=True)


class RegistrationShape(Shape):
    makes = Registration
    country = Country(required=True)
    kind = Register(required=True)
    number = RegistrationNumber(required=True)


class RecipientShape(Shape):
    """A recipient with exactly one identity: the code of a unit, an identity card, or another registration."""

    makes: ClassVar[type[Any]] = Recipient
    least: ClassVar[int] = 1
    """How many identities it must have: 0 if it may have none."""
    name = Party(required=True)
    uscc = Uscc()
    id_card = IdCard()
    registration = One(RegistrationShape)

    def build(self, loaded: dict[str, Any]) -> Any:
        if not self.least <= (USCC in loaded) + (ID_CARD in loaded) + (REGISTRATION in loaded) <= 1:
            raise ValidationError(NOT_ONE if self.least else MORE_THAN_ONE)
        return super().build(loaded)


NOT_ONE = (
    "It must have exactly one of uscc (a unit), id_card (a natural person) and registration."
    " 须且只能填写 uscc（单位）、id_card（自然人）、registration（其他登记）之一。"
)
MORE_THAN_ONE = (
    "It must have at most one of uscc (a unit), id_card (a natural person) and registration."
    " 至多填写 uscc（单位）、id_card（自然人）、registration（其他登记）之一。"
)


class PayeeShape(RecipientShape):
    makes = Payee
    account = Account(required=True)


class ActualPayeeShape(RecipientShape):
    makes = ActualPayee
    least = 0
    uscc = CodeOnSlip()  # type: ignore[assignment] # a bank may write it in any form
    account = Account(required=True)


class Loaded(NamedTuple):
    """The `data` of an event.

    `circumstances`: the fields that all event types have. `fact`: the fields that only this event type has.
    """

    circumstances: dict[str, Any]
    fact: Fact


class FactSchema(Shape):
    """The schema of the `data` of an event type.

    `fact`: the class of the loaded fact. `scope`: the scope that the API key must have to post the event.
    """

    fact: ClassVar[type[Fact]]
    scope: ClassVar[str]

    occurred_on = Day(required=True)
    booked_on = Day(load_default=None, allow_none=False)
    actor = Party(max_length=100, required=True)
    role = Text(max_length=100, load_default=None, allow_none=False)
    documents = Rows(One(DocumentShape), max_items=50, min_items=0, load_default=())
    irregular = Rows(One(IrregularityShape), max_items=10, load_default=(), allow_none=False)

    def build(self, loaded: dict[str, Any]) -> Loaded:
        circumstances = {name: loaded.pop(name) for name in CIRCUMSTANCES}
        return Loaded(circumstances, self.fact(**loaded))


class OfOrigin(QuickSchema):
    """The fields by which an event takes only money of one source or one appropriation."""

    funding_source = Text(max_length=50)
    appropriation = Integer(1, 2**53)


CIRCUMSTANCES = ("occurred_on", "booked_on", "actor", "role", "documents", "irregular")
"""The fields that the `data` of every event type has."""
