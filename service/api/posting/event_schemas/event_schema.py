"""What every post carries in its `data`, and how a fact's own fields are joined to it."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from domain.documents import Document
from domain.event import Fact
from domain.state.entities import ActualPayee, Payee
from service.api.posting.fields import Account, Day, One, Party, Rows, Sha256, Shape, Text, Uscc, Whole


class DocumentShape(Shape):
    makes = Document
    kind = Text(most=20, required=True)
    number = Text(most=100, required=True)
    title = Text()
    issuer = Text(most=100)
    date = Day()
    sha256 = Sha256()
    year = Whole(1949, 2199)
    item = Whole(1, 999_999)


class PayeeShape(Shape):
    makes = Payee
    name = Party(required=True)
    uscc = Uscc(required=True)
    account = Account(required=True)


class ActualPayeeShape(Shape):
    makes = ActualPayee
    name = Party(required=True)
    uscc = Text(most=30)
    account = Account(required=True)


class Loaded(NamedTuple):
    """A post's `data` taken apart: the circumstances that every event carries, and its fact."""

    circumstances: dict[str, Any]
    fact: Fact


class FactSchema(Shape):
    """The `data` of a post. `fact` is what it makes, `scope` what the poster's key must have."""

    fact: ClassVar[type[Fact]]
    scope: ClassVar[str]

    occurred_on = Day(required=True)
    booked_on = Day(load_default=None, allow_none=False)
    actor = Party(most=100, required=True)
    role = Text(most=100, load_default=None, allow_none=False)
    documents = Rows(One(DocumentShape), most=50, least=0, load_default=())

    def made(self, read: dict[str, Any]) -> Loaded:
        circumstances = {name: read.pop(name) for name in CIRCUMSTANCES}
        return Loaded(circumstances, self.fact(**read))


CIRCUMSTANCES = ("occurred_on", "booked_on", "actor", "role", "documents")
