"""The recipients of a life: units, natural persons and foreign registrations, each of which follows from its name."""

from __future__ import annotations

from zlib import crc32

from msgspec.structs import replace

from domain.project.call import Applicant
from domain.recipient import PersonalId, Recipient, Registration, readable
from domain.state.entities import ActualPayee, Payee
from tests.lives import payee as unit


def recipient(name: str) -> Recipient:
    """The recipient called `name`. Of five names, about three are of units."""
    match crc32(name.encode()) % 5:
        case 0:
            return Recipient(f"示例{name}", id_card=PersonalId("123X", f"person-{name}"))
        case 1:
            return Recipient(f"示例{name}", registration=Registration("HK", "BR", _number(name)))
        case _:
            return Recipient(f"示例{name}", f"9{name}")


def applicant(name: str) -> Applicant:
    return Applicant(*_parts(recipient(name)))


def payee(name: str) -> Payee:
    return Payee(*_parts(recipient(name)), account=unit(name).account)


def actual(name: str, *, with_identity: bool) -> ActualPayee:
    """The payee that the bank reports, with or without an identity."""
    paid = recipient(name)
    return ActualPayee(*_parts(paid if with_identity else Recipient(paid.name)), account=unit(name).account)


def name_of(identity: str) -> str:
    """The name of the recipient with this identity."""
    if identity.startswith("id_card:"):
        return identity.partition("/person-")[2]
    code = readable(identity)
    return code[len("HK/BR/") :].lower().replace("z", "-") if "/" in code else code[1:]


def renamed(old: Recipient, *, code: bool, name: str) -> Recipient:
    """The recipient `old` under another name; if `code`, under another identity too."""
    return recipient(name) if code else replace(old, name=f"示例{name}")


def _number(name: str) -> str:
    """The name in capital letters and digits. No name of a life has a z."""
    return name.upper().replace("-", "Z")


def _parts(each: Recipient) -> tuple[object, ...]:
    return (each.name, each.uscc, each.id_card, each.registration)
