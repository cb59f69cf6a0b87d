"""Recipients of a fund's money: units, natural persons and holders of other registrations, and how they are compared.

Source: DOMAIN, "Who gets it".
"""

from __future__ import annotations

from domain.event_part import EventPart

USCC, ID_CARD, REGISTRATION = "uscc", "id_card", "registration"
"""The kinds of identity, which begin the text of an identity."""


class PersonalId(EventPart, frozen=True):
    """The number of an identity card 身份证 in the form that may be stored.

    `last4`: the last four characters of the number. `digest`: a keyed digest of the number, for comparison.
    """

    last4: str
    digest: str


class Registration(EventPart, frozen=True):
    """A registration that has no social credit code, such as one of Hong Kong, Macao, Taiwan or abroad.

    `country`: the code of the country or region (ISO 3166, two letters). `kind`: the register, such as BR (商业登记).
    `number` has capital letters and digits only.
    """

    country: str
    kind: str
    number: str

    def __str__(self) -> str:
        return f"{self.country}/{self.kind}/{self.number}"


class Recipient(EventPart, frozen=True):
    """A recipient by name and identity. It has one of the three identities; a bank slip may have none."""

    name: str
    uscc: str | None = None
    id_card: PersonalId | None = None
    registration: Registration | None = None

    @property
    def identity(self) -> str | None:
        """The text by which recipients are compared; None if the recipient has no identity.

        The PostgreSQL function `identity_of` returns the same.
        """
        if self.uscc is not None:
            return f"{USCC}:{self.uscc}"
        if self.id_card is not None:
            return f"{ID_CARD}:{self.id_card.last4}/{self.id_card.digest}"
        return None if self.registration is None else f"{REGISTRATION}:{self.registration}"

    @property
    def code(self) -> str | None:
        """The identity as people may read it: the code, the last four characters of a 身份证, or the registration."""
        return None if self.identity is None else readable(self.identity)


def readable(identity: str) -> str:
    """The `identity` of a recipient as people may read it, without the digest of a 身份证."""
    kind, _, code = identity.partition(":")
    return f"…{code.partition('/')[0]}" if kind == ID_CARD else code
